"""Every life of a stack up to a length: all sequences of runs, with all that may happen in them, each ended by a final run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from model.stack import Run, in_memory
from model.world import Choices, Violation, World

FINAL = ("destroy", "up")


class _Place(NamedTuple):
    """A world, and how many faults a life that has come to it may still have."""

    world: frozenset[tuple[object, ...]]
    faults: int


@dataclass
class Lives:
    """All lives that begin in one world.

    A life is a sequence of at most `length` runs, with at most `faults` faults in all, and of a final run without one.
    Lives that come to the same world go on alike: each run is made once for each world, and `lives` counts the
    different sequences of choices that lead from the first run to the end of a final one.
    """

    length: int
    faults: int
    operations: Sequence[str]
    lives: int = 0
    runs: int = 0
    most_choices: int = 0
    broken: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _seen: dict[_Place, tuple[World, tuple[str, ...]]] = field(default_factory=dict)
    _next: dict[tuple[_Place, str], Counter[_Place]] = field(default_factory=dict)
    _ends: dict[frozenset[tuple[object, ...]], int] = field(default_factory=dict)

    @property
    def worlds(self) -> int:
        """How many different worlds there were."""
        return len(self._ends)

    def try_all(self, start: World, most_broken: int = 5) -> None:
        """Try every life, shortest first; end early where enough promises were broken."""
        first = _Place(start.key(), self.faults)
        self._seen[first] = (start, ())
        layer = Counter({first: 1})
        with in_memory():
            for depth in range(self.length + 1):
                following: Counter[_Place] = Counter()
                for place, ways in layer.items():
                    self.lives += ways * self._end(place)
                    for operation in self.operations if depth < self.length else ():
                        for after, more in self._after(place, operation).items():
                            following[after] += ways * more
                    if len(self.broken) >= most_broken:
                        return
                layer = following

    def _end(self, place: _Place) -> int:
        """Return how many final runs there are; each is checked."""
        if place.world not in self._ends:
            finals = (self._runs(place, operation, 0, is_final=True) for operation in FINAL)
            self._ends[place.world] = sum(1 for runs in finals for _ in runs)
        return self._ends[place.world]

    def _after(self, place: _Place, operation: str) -> Counter[_Place]:
        """Return where this operation leads, and in how many ways."""
        if (place, operation) not in self._next:
            found: Counter[_Place] = Counter()
            for world, faults, life in self._runs(place, operation, place.faults):
                after = _Place(world.key(), faults)
                self._seen.setdefault(after, (world, life))
                found[after] += 1
            self._next[place, operation] = found
        return self._next[place, operation]

    def _runs(
        self, place: _Place, operation: str, faults: int, is_final: bool = False
    ) -> Iterator[tuple[World, int, tuple[str, ...]]]:
        """Make every run of the operation from this world: one for each sequence of choices."""
        before, life = self._seen[place]
        script: tuple[int, ...] | None = ()
        while script is not None:
            choices, world, broken = Choices(script, faults), before.copy(), ""
            try:
                run = Run(world, choices, operation)
                run.take()
                if is_final:
                    run.check_end()
            except Violation as violation:
                broken = str(violation)
            self.runs += 1
            self.most_choices = max(self.most_choices, len(choices.taken))
            lived = (*life, "; ".join(("final " * is_final + operation, *choices.told)))
            if broken:
                self.broken.setdefault(broken, lived)
            else:
                yield world, choices.faults, lived
            script = choices.next_script()

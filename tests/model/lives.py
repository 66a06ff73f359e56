"""Every life of a stack up to a length: each sequence of runs, with all that may happen in them, and a final run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from model.stack import Run, in_memory
from model.world import Choices, Violation, World

FINAL = ("destroy", "up", "cancelled", "deleted")
_Key = frozenset[tuple[object, ...]]


@dataclass
class _Made:
    """All runs of one operation in one world with at most `faults` faults: where each leads, and its faults."""

    faults: int = -1
    runs: list[tuple[_Key, int]] = field(default_factory=list)


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
    _worlds: dict[_Key, tuple[World, tuple[str, ...]]] = field(default_factory=dict)
    _made: dict[tuple[_Key, str], _Made] = field(default_factory=dict)

    @property
    def worlds(self) -> int:
        """How many different worlds there were."""
        return len(self._worlds)

    def try_all(self, start: World, most_broken: int = 5) -> None:
        """Try every life, shortest first; end early where enough promises were broken."""
        first = start.key()
        self._worlds[first] = (start, ())
        layer = Counter({(first, self.faults): 1})
        with in_memory():
            for depth in range(self.length + 1):
                following: Counter[tuple[_Key, int]] = Counter()
                # A run with few faults is one of those with more, so these are made first.
                for (world, faults), ways in sorted(layer.items(), key=lambda item: -item[0][1]):
                    for operation in self.operations if depth < self.length else ():
                        for after, used in self._runs(world, operation, faults):
                            following[after, faults - used] += ways
                    self.lives += ways * sum(len(self._runs(world, operation, 0)) for operation in FINAL)
                    if len(self.broken) >= most_broken:
                        return
                layer = following

    def _runs(self, world: _Key, operation: str, faults: int) -> list[tuple[_Key, int]]:
        made = self._made.setdefault((world, operation), _Made())
        if made.faults < faults:
            made.faults, made.runs = faults, list(self._make(world, operation, faults))
        return [run for run in made.runs if run[1] <= faults]

    def _make(self, key: _Key, operation: str, faults: int) -> Iterator[tuple[_Key, int]]:
        """Make every run of the operation in this world: one for each sequence of choices."""
        before, life = self._worlds[key]
        script: tuple[int, ...] | None = ()
        while script is not None:
            choices, world, broken = Choices(script, faults), before.copy(), ""
            try:
                run = Run(world, choices, operation)
                run.take()
                if operation in FINAL and choices.faults == faults:
                    run.check_end()
            except Violation as violation:
                broken = str(violation)
            self.runs += 1
            self.most_choices = max(self.most_choices, len(choices.taken))
            lived = (*life, "; ".join((operation, *choices.told)))
            if broken:
                self.broken.setdefault(broken, lived)
            else:
                after = world.key()
                self._worlds.setdefault(after, (world, lived))
                yield after, faults - choices.faults
            script = choices.next_script()

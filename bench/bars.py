"""The bars, and whether each was reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench import limits
from bench.results import Results
from bench.sections.cleanup import LATENCY_MS, RESOURCE, SWEEP
from bench.sections.life import ENGINE_ALONE, NATIVE, OURS, PLAIN, SCRIPT
from bench.stats import Spread, ratio, spread

_MANY, _MOST = 200, 500
_SLOW_MS = 300
_PAGE = 100
_CHANGES = ("up", "cancel", "destroy")


class Bar(NamedTuple):
    """A bar, and what was found: the median decides. `at_most` False: at least. `found` None: not measured."""

    what: str
    bound: float
    found: Spread | None
    at_most: bool = True

    @property
    def is_reached(self) -> bool | None:
        """Whether it was reached; None where it was not measured."""
        if self.found is None:
            return None
        return self.found.middle <= self.bound if self.at_most else self.found.middle >= self.bound

    def verdict(self) -> str:
        """In words, and by how far it was missed."""
        if self.found is None or self.is_reached:
            return "not measured" if self.found is None else "reached"
        distance = abs(self.found.middle / self.bound - 1) * 100
        return f"**missed** by {distance:.0f} %"


def bars(results: Results) -> list[Bar]:
    """Every bar there is."""
    return [
        *_changes(results),
        *_native(results),
        *_refresh(results),
        *_waiting(results),
        *_cleanup(results),
        *_quota(results),
    ]


def seconds(
    results: Results, contender: str, batches: int, latency_ms: int, step: str, key: str = "seconds"
) -> dict[int, float]:
    """The seconds (or another number) of one step, by repeat. The engine alone knows no latency."""
    latency = 0 if contender == ENGINE_ALONE else latency_ms
    lives = results.of("life", contender=contender, batches=batches, latency_ms=latency)
    return {repeat: life[step][key] for repeat, life in lives.items()}


def _changes(results: Results) -> Iterator[Bar]:
    limit = limits.of_calls(_MANY, _SLOW_MS)
    for step in _CHANGES:
        ours, idle, plain = (seconds(results, one, _MANY, _SLOW_MS, step) for one in (OURS, ENGINE_ALONE, PLAIN))
        name = f"{step} of {_MANY} at {_SLOW_MS} ms"
        yield Bar(f"{name}: ours / (engine alone + physical limit)", 1.15, ratio(ours, idle, limit))
        yield Bar(f"{name}: plain provider / ours", 3.5, ratio(plain, ours), at_most=False)
    cancels = [life["cancel"] for life in results.of("life", **_lives(OURS)).values()]
    shares = spread(one["seconds"] / (one["seconds"] - one["confirming"]) for one in cancels)
    yield Bar(f"cancel of {_MANY} at {_SLOW_MS} ms: with the confirmation / without", 1.05, shares)


def _native(results: Results) -> Iterator[Bar]:
    for step, bound in (("up", 1.0), ("refresh", 1.0), ("cancel", 1.1), ("destroy", 1.1)):
        native, ours = (seconds(results, one, _MANY, _SLOW_MS, step) for one in (NATIVE, OURS))
        yield Bar(f"{step} of {_MANY} at {_SLOW_MS} ms: native plugin / ours", bound, ratio(native, ours))
    native, idle = (seconds(results, one, _MOST, _SLOW_MS, "refresh") for one in (NATIVE, ENGINE_ALONE))
    yield Bar(f"refresh of {_MOST} at {_SLOW_MS} ms: native plugin / engine alone", 1.3, ratio(native, idle))


def _lives(contender: str) -> dict[str, str | int]:
    return {"contender": contender, "batches": _MANY, "latency_ms": _SLOW_MS}


def _refresh(results: Results) -> Iterator[Bar]:
    ours, idle = (seconds(results, one, _MOST, _SLOW_MS, "refresh") for one in (OURS, ENGINE_ALONE))
    yield Bar(f"refresh of {_MOST} at {_SLOW_MS} ms: ours / engine alone", 1.15, ratio(ours, idle))
    lives = results.of("life", contender=OURS, batches=_MOST, latency_ms=_SLOW_MS).values()
    calls = spread(sum(life["refresh"]["requests"].values()) for life in lives)
    yield Bar(f"refresh of {_MOST}: requests", 15, calls)


def _waiting(results: Results) -> Iterator[Bar]:
    few, many = 50, _MANY
    rates = [
        spread(one["polling_requests"] / one["looks"] / -(-batches // _PAGE) for one in found.values())
        for batches in (few, many)
        for found in [results.of("waiting", batches=batches)]
    ]
    grown = rates[1].middle / rates[0].middle if rates[0] and rates[1] else None
    name = f"waiting: requests per poll and page, for {many} batches / for {few}"
    yield Bar(name, 1.0, None if grown is None else spread([grown]))
    ends = results.of("waiting", batches=many).values()
    yield Bar(
        f"waiting for {many}: from the last batch being ready to the end of `up`, in polls",
        1.0,
        spread(one["end_after_ready"] / one["pause"] for one in ends),
    )


def _cleanup(results: Results) -> Iterator[Bar]:
    found = {name: results.of("cleanup", contender=name) for name in (SWEEP, RESOURCE, SCRIPT)}
    count = max(results.labels("cleanup", "batches"), default=1000)
    for name, told in ((SWEEP, "`sweep`"), (RESOURCE, "`BatchCleanup`")):
        calls = {repeat: one["span"] / _limit(one) for repeat, one in found[name].items()}
        whole = {repeat: one["seconds"] / _limit(one) for repeat, one in found[name].items()}
        yield Bar(f"cleanup of {count}: {told}, its calls / physical limit of them", 1.3, spread(calls.values()))
        yield Bar(f"cleanup of {count}: {told}, the whole command / physical limit", 1.3, spread(whole.values()))
        behind = ratio(_seconds(found[name]), _seconds(found[SCRIPT]))
        yield Bar(f"cleanup of {count}: {told} / script", 1.0, behind)


def _quota(results: Results) -> Iterator[Bar]:
    found = results.of("quota").values()
    for key, told in (("creating", "first to last create"), ("seconds", "both commands")):
        times = spread(one[key] / one["quota"] for one in found)
        yield Bar(f"two hosts under one quota: {told} / the quota's own time", 1.3, times)


def _limit(one: dict[str, dict[str, int]]) -> float:
    return limits.of_cleanup(one["requests"], LATENCY_MS)


def _seconds(found: dict[int, dict[str, float]]) -> dict[int, float]:
    return {repeat: one["seconds"] for repeat, one in found.items()}

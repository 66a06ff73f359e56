"""What is measured: a cell is one measurement, and a size says which cells there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.api import Api

CONCURRENCY = 64  # ours by default, the script's, and `--parallel`
Labels = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One measurement: `measure` is given the API and an empty folder, and its answer can be written as JSON."""

    section: str
    labels: Labels
    repeat: int
    measure: Callable[[Api, Path], Any]


class Life(NamedTuple):
    """Up, refresh, cancel, destroy of so many batches by one contender."""

    contender: str
    batches: int
    latency_ms: int
    repeats: int


@dataclass(frozen=True)
class Size:
    """How much is measured. Where there is no number of repeats, `repeats` is meant."""

    repeats: int
    sessions: int
    lives: tuple[Life, ...]
    waits: tuple[tuple[int, int], ...]  # batches, repeats
    creation_seconds: float
    poll_seconds: float
    cleaned: int
    quota: tuple[int, int, float]  # batches of each host; creations in a window of so many seconds
    states: tuple[tuple[int, int], ...]  # batches, repeats
    weighed: int  # batches in the states that are weighed
    lists: tuple[int, ...]  # batches in the lists that are looked through


def _lives(batches: int, repeats: int, plain: dict[int, int], *, latencies: tuple[int, ...] = (50, 300)) -> list[Life]:
    found = [Life("idle", batches, 0, repeats)]
    for latency in latencies:
        found += [Life(contender, batches, latency, repeats) for contender in ("ours", "native", "script")]
        if plain.get(latency):
            found.append(Life("plain", batches, latency, plain[latency]))
    return found


# The plain provider takes minutes where nothing is to be learnt from it: its time is N x latency / 4.
PLAIN_MOST = 200
FULL = Size(
    repeats=2,
    sessions=5,
    lives=(
        *_lives(PLAIN_MOST, 3, {300: 1}, latencies=(300,)),
        *_lives(500, 1, {}, latencies=(300,)),
        *_lives(50, 1, {300: 1}, latencies=(300,)),
    ),
    waits=((200, 3), (50, 1)),
    creation_seconds=30.0,
    poll_seconds=5.0,
    cleaned=1000,
    quota=(60, 10, 2.0),
    states=((200, 1),),
    weighed=20,
    lists=(1_000, 10_000, 100_000),
)
QUICK = Size(
    repeats=1,
    sessions=5,
    lives=tuple(_lives(50, 1, {300: 1})),
    waits=((50, 1),),
    creation_seconds=10.0,
    poll_seconds=2.0,
    cleaned=100,
    quota=(20, 10, 1.0),
    states=((50, 1),),
    weighed=20,
    lists=(1_000,),
)

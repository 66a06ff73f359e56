"""Medians with their spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """The least, the median and the most of some measurements."""

    low: float
    middle: float
    high: float

    def told(self, digits: int = 1) -> str:
        """`4.9 (4.7 to 5.2)`, or one number where there is no spread."""
        low, middle, high = (f"{value:.{digits}f}" for value in self)
        return middle if low == high else f"{middle} ({low} to {high})"


def spread(values: Iterable[float]) -> Spread | None:
    """None where there are no values."""
    found = list(values)
    return Spread(min(found), median(found), max(found)) if found else None


def ratio(above: Mapping[int, float], below: Mapping[int, float], added: float = 0.0) -> Spread | None:
    """above / (below + added), repeat by repeat, so that what slows down both is left out."""
    return spread(above[repeat] / (below[repeat] + added) for repeat in above.keys() & below.keys())


def told(found: Spread | None, digits: int = 1) -> str:
    """The spread in words; nothing where there is none."""
    return "" if found is None else found.told(digits)

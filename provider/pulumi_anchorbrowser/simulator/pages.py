"""Lists as the API gives them, page by page; and how the settings make them odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pulumi_anchorbrowser.simulator.settings import SimulatorSettings

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list: its rows, and what it reports of the whole list."""

    rows: Sequence[T]
    total: int
    pages: int


def page_of(found: Sequence[T], page: int, limit: int, settings: SimulatorSettings, turn: int) -> Page[T]:
    """Return one page; `turn` is how many lists were requested before, by which unsteady pages shift."""
    total = max(0, len(found) + settings.total_off_by)
    if settings.unsteady_pages and found:
        shift = turn % len(found)
        found = [*found[shift:], *found[:shift]]
        total += turn % 2
    pages = -(-total // limit)
    rows = found[(page - 1) * limit : page * limit]
    if settings.endless_pages == "no":
        return Page(rows, total, pages)
    if settings.endless_pages == "repeated" and not rows:
        rows = found[:limit]
    return Page(rows, total, max(pages, page + 1))


def with_odd_rows(
    data: dict[str, Any], name: str, like: dict[str, Any], id_name: str, settings: SimulatorSettings
) -> None:
    """Put rows like `like` before the others: in turns one without a status and one whose id is no UUID."""
    rows = [
        {**like, id_name: f"00000000-0000-4000-8000-{number:012}", "status": None}
        if number % 2 == 0
        else {**like, id_name: f"odd-{number}"}
        for number in range(settings.odd_rows)
    ]
    data[name] = [*rows, *data[name]]

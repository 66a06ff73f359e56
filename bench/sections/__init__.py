"""What is measured, section by section."""

from __future__ import annotations

from collections.abc import Callable

from bench.cells import Cell, Size
from bench.sections.cleanup import cleanup_cells
from bench.sections.life import life_cells
from bench.sections.memory import memory_cells
from bench.sections.quota import quota_cells
from bench.sections.state import state_cells
from bench.sections.waiting import waiting_cells

SECTIONS: dict[str, Callable[[Size], list[Cell]]] = {
    "life": life_cells,
    "waiting": waiting_cells,
    "cleanup": cleanup_cells,
    "quota": quota_cells,
    "state": state_cells,
    "memory": memory_cells,
}

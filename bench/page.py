"""Writes tables and plots between the markers of docs/performance.md; the text around them is written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench import other_tables, tables
from bench.cells import PLAIN_MOST
from bench.results import Results
from bench.sections import cleanup, quota, state, waiting

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def render(results: Results, page: Path) -> None:
    """Write the results between the markers of a page, which is made where it is missing."""
    # Half of a second that the tests of the other modules do not need.
    from bench.plots import draw

    before, after = f"{BEGIN}\n", f"{END}\n"
    if page.exists():
        text = page.read_text(encoding="utf-8")
        before, after = text[: text.index(BEGIN) + len(BEGIN) + 1], text[text.index(END) :]
    drawn = draw(results, page.parent / page.stem)
    plots = [f"![{shows}]({page.stem}/{path.name})" for shows, path in drawn.items()]
    parts = [*_measured(results), *plots]
    page.write_text(before + "\n" + "\n\n".join(parts) + "\n\n" + after, encoding="utf-8")


def _measured(results: Results) -> list[str]:
    return [
        part for section in _SECTIONS for part in (f"### {section.title}", section.says, section.table(results)) if part
    ]


class _Section(NamedTuple):
    title: str
    says: str
    table: Callable[[Results], str]


_SECTIONS = (
    _Section("Bars", "Found is the median of the repeats' ratios. Less than 1.00 of the script is faster than it.",
             tables.bar_table),
    _Section("The machine", "", tables.machine_table),
    _Section("Seconds", f"Of the whole command, by the latency of the API. (a) was measured with at most {PLAIN_MOST} "
             "batches: it takes minutes for more.", tables.time_table),
    _Section("Requests, bytes, memory, CPU, and when billing stops", "Bytes and CPU time are those of all four steps "
             "together, the peak is that of any of them. Browsers are billed until the last PATCH of a cancel has been "
             "answered.", tables.cost_table),
    _Section("Waiting", f"An `up` of batches that take their time, each with a `BatchReady`; {waiting.LATENCY_MS} ms. "
             "A poll is one look at all that wait: a request for each page of the list. The last column is in lengths "
             "of the pause between two looks that was current.", other_tables.waiting_table),
    _Section("Cleaning up", f"All of the batches, at {cleanup.LATENCY_MS} ms. Its calls: from the first request to the "
             "last answer.", other_tables.cleanup_table),
    _Section("Two hosts, one quota", "Two stacks at once, which share a limit of creations in a window of time; "
             f"{quota.LATENCY_MS} ms. The quota's own time is the least in which it allows so many.",
             other_tables.quota_table),
    _Section("The engine's settings", "Ours, `up` and then `destroy` of running batches, with nothing in between; "
             f"{state.LATENCY_MS} ms.", other_tables.state_table),
    _Section("The weight of a batch in the state", "Inputs and outputs of the same name are added up.",
             other_tables.weight_table),
    _Section("Memory of a cleanup", "`sweep --dry-run` of a selection that nothing in the list meets, at no latency.",
             other_tables.memory_table),
)  # fmt: skip

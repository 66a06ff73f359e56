"""Writes tables and plots between the markers of docs/performance.md; the text around them is written by hand."""

from __future__ import annotations

from pathlib import Path

from bench import other_tables, tables
from bench.plots import draw
from bench.results import Results

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def render(results: Results, page: Path) -> None:
    """Write the results between the markers of a page, which is made where it is missing."""
    before, after = f"{BEGIN}\n", f"{END}\n"
    if page.exists():
        text = page.read_text(encoding="utf-8")
        before, after = text[: text.index(BEGIN) + len(BEGIN) + 1], text[text.index(END) :]
    drawn = draw(results, page.parent / page.stem)
    plots = [f"![{shows}]({page.stem}/{path.name})" for shows, path in drawn.items()]
    parts = [*_measured(results), *plots]
    page.write_text(before + "\n" + "\n\n".join(parts) + "\n\n" + after, encoding="utf-8")


def _measured(results: Results) -> list[str]:
    sections = {
        "Bars": tables.bar_table,
        "The machine": tables.machine_table,
        "Seconds": tables.time_table,
        "Requests, bytes, memory, CPU, and when billing stops": tables.cost_table,
        "Waiting": other_tables.waiting_table,
        "Cleaning up": other_tables.cleanup_table,
        "Two hosts, one quota": other_tables.quota_table,
        "The engine's settings": other_tables.state_table,
        "The weight of a batch in the state": other_tables.weight_table,
    }
    return [part for title, made in sections.items() for part in (f"### {title}", made(results))]

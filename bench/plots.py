"""The plots of docs/performance.md: SVG that is the same for the same results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from bench import limits
from bench.bars import seconds
from bench.results import Results
from bench.sections.life import ENGINE_ALONE, NATIVE, OURS, PLAIN, SCRIPT
from bench.sections.state import SETTINGS
from bench.stats import Spread, spread
from bench.tables import NAMES, STEPS

_COLOURS = {OURS: "#1f5fbf", NATIVE: "#27ae60", PLAIN: "#c0392b", SCRIPT: "#e08a1e", ENGINE_ALONE: "#7f8c8d"}
_STYLE: Any = {
    "svg.hashsalt": "pulumi-anchorbrowser",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(results: Results, folder: Path) -> dict[str, Path]:
    """Every plot for which there are results: what it shows, and its file."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    figures = {}
    with mpl.rc_context(_STYLE):
        for latency in results.labels("life", "latency_ms"):
            if latency:
                figures[f"Seconds of each step, {latency} ms"] = _steps(results, latency)
        if results.labels("state", "batches"):
            figures["Seconds by setting of the engine"] = _settings(results)
        return {shows: _saved(figure, folder / f"{_file_name(shows)}.svg") for shows, figure in figures.items()}


def _steps(results: Results, latency: int) -> Figure:
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    for step, place in zip(STEPS, axes.flat, strict=True):
        for contender in (PLAIN, OURS, NATIVE, SCRIPT, ENGINE_ALONE):
            _line(place, contender, dict(_points(results, contender, latency, step)))
        sizes = results.labels("life", "batches")
        if step != "refresh":
            limit = [limits.of_calls(batches, latency) for batches in sizes]
            place.plot(sizes, limit, ":", color="black", label="(c) physical limit")
        _named(place, f"{step}, {latency} ms", sizes)
    for place in axes[-1]:
        place.set_xlabel("batches")
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False)
    return figure


def _points(results: Results, contender: str, latency: int, step: str) -> Iterator[tuple[int, Spread]]:
    for batches in results.labels("life", "batches"):
        found = spread(seconds(results, contender, batches, latency, step).values())
        if found:
            yield batches, found


def _line(place: Axes, contender: str, points: dict[int, Spread]) -> None:
    middles = [point.middle for point in points.values()]
    errors = [[p.middle - p.low for p in points.values()], [p.high - p.middle for p in points.values()]]
    place.errorbar(
        list(points), middles, errors, marker="o", markersize=3, capsize=2, linewidth=1.2,
        color=_COLOURS[contender], label=NAMES[contender],
    )  # fmt: skip


def _named(place: Axes, title: str, sizes: list[int]) -> None:
    place.set_title(title, fontsize=9)
    place.set_yscale("log")
    place.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    place.yaxis.set_minor_locator(NullLocator())
    place.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    place.set_ylabel("seconds")
    place.set_xticks(sizes)


def _settings(results: Results) -> Figure:
    figure = Figure(figsize=(8.0, 2.6), layout="constrained")
    sizes = results.labels("state", "batches")
    for batches, place in zip(sizes, figure.subplots(1, len(sizes), squeeze=False).flat, strict=True):
        for offset, step in ((-0.2, "up"), (0.2, "destroy")):
            found = [results.of("state", setting=name, batches=batches).values() for name in SETTINGS]
            heights = [spread(one[step]["seconds"] for one in of_setting) for of_setting in found]
            drawn = [(number + offset, height.middle) for number, height in enumerate(heights) if height]
            place.bar([x for x, _ in drawn], [y for _, y in drawn], width=0.38, label=step)
        place.set_xticks(range(len(SETTINGS)), list(SETTINGS))
        place.set_title(f"ours, {batches} batches", fontsize=9)
        place.set_ylabel("seconds")
        place.legend(frameon=False)
    return figure


def _file_name(shows: str) -> str:
    return shows.lower().replace(",", "").replace(" ", "-")


def _saved(figure: Figure, path: Path) -> Path:
    figure.savefig(path, format="svg", metadata={"Creator": None, "Date": None})
    # Matplotlib ends lines with blanks, which a repository does not want.
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
    return path

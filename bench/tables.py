"""Tables in Markdown: the machine, the bars, and the lives of many batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bench import limits
from bench.bars import bars, seconds
from bench.results import Results
from bench.sections.cleanup import RESOURCE, SWEEP
from bench.sections.life import ENGINE_ALONE, NATIVE, OURS, PLAIN, SCRIPT
from bench.stats import spread, told

NAMES = {
    OURS: "ours",
    NATIVE: "ours, native plugin",
    PLAIN: "(a) plain provider",
    SCRIPT: "(b) script",
    ENGINE_ALONE: "(d) engine alone",
    SWEEP: "`sweep`",
    RESOURCE: "`BatchCleanup`",
}
STEPS = ("up", "refresh", "cancel", "destroy")
_CONTENDERS = (OURS, NATIVE, PLAIN, SCRIPT, ENGINE_ALONE)
_WHOLE = 10  # bars from here on are of things that are counted
_KIB, MIB = 1024, 1024**2
Row = Sequence[object]


def table(head: Row, rows: Iterable[Row]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def machine_table(results: Results) -> str:
    """What it was measured on."""
    return table(("", ""), results.machine.items())


def bar_table(results: Results) -> str:
    """Each bar, and whether it was reached."""
    return table(
        ("bar", "wanted", "found", ""),
        (
            (
                b.what,
                f"{'≤' if b.at_most else '≥'} {b.bound:g}",
                told(b.found, 2 if b.bound < _WHOLE else 0),
                b.verdict(),
            )
            for b in bars(results)
        ),
    )


def time_table(results: Results) -> str:
    """Seconds of each step."""
    head = ("batches", "latency", "step", *(NAMES[one] for one in _CONTENDERS), "(c) physical limit")
    return table(head, _times(results))


def _times(results: Results) -> Iterator[Row]:
    for batches, latency in settings_of_lives(results):
        for step in STEPS:
            found = (spread(seconds(results, one, batches, latency, step).values()) for one in _CONTENDERS)
            limit = "" if step == "refresh" else f"{limits.of_calls(batches, latency):.2f}"
            yield batches, f"{latency} ms", step, *map(told, found), limit


def settings_of_lives(results: Results) -> list[tuple[int, int]]:
    """Each number of batches with each latency at which it was measured."""
    latencies = [latency for latency in results.labels("life", "latency_ms") if latency]
    all_ = [(batches, latency) for batches in results.labels("life", "batches") for latency in latencies]
    return [(n, latency) for n, latency in all_ if results.of("life", batches=n, latency_ms=latency)]


def cost_table(results: Results) -> str:
    """Requests, bytes, memory, CPU, and the time to the last PATCH."""
    head = ("batches", "latency", "", *(f"requests, {step}" for step in STEPS), "KiB of HTTP", "host's peak, MiB",
            "host's CPU, s", "cancel: start to last PATCH, s")  # fmt: skip
    return table(head, _costs(results))


def _costs(results: Results) -> Iterator[Row]:
    for batches, latency in settings_of_lives(results):
        for contender in (OURS, NATIVE, PLAIN, SCRIPT):
            lives = list(results.of("life", contender=contender, batches=batches, latency_ms=latency).values())
            if lives:
                requests = (spread(sum(life[step]["requests"].values()) for life in lives) for step in STEPS)
                patches = seconds(results, contender, batches, latency, "cancel", "last_patch")
                yield (
                    batches, f"{latency} ms", NAMES[contender], *(told(one, 0) for one in requests),
                    told(spread(sum(life[step]["bytes"] for step in STEPS) / _KIB for life in lives), 0),
                    *_host(lives), told(spread(patches.values())),
                )  # fmt: skip


def _host(lives: list[dict[str, Any]]) -> tuple[str, str]:
    """The most memory in any step, and the CPU time of all; nothing where there is no provider host."""
    if lives[0]["up"]["host_cpu"] is None:
        return "", ""
    peak = spread(max(life[step]["host_peak_bytes"] for step in STEPS) / MIB for life in lives)
    return told(peak, 0), told(spread(sum(life[step]["host_cpu"] for step in STEPS) for life in lives))

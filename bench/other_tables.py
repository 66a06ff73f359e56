"""Tables in Markdown: waiting, cleaning up, a shared quota, and what the state costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench import limits
from bench.results import Results
from bench.sections.cleanup import LATENCY_MS, RESOURCE, SWEEP
from bench.sections.life import ENGINE_ALONE, NATIVE, OURS, PLAIN, SCRIPT
from bench.sections.state import SETTINGS
from bench.stats import spread, told
from bench.tables import MIB, NAMES, Row, table


def waiting_table(results: Results) -> str:
    """How much asking there is, and how soon a wait ends."""
    head = ("batches", "requests, polling", "polls", "requests per poll", "last batch ready to last look, s",
            "to end of `up`, s", "in polls")  # fmt: skip
    return table(head, (_waited(n, list(results.of("waiting", batches=n).values()))
                        for n in results.labels("waiting", "batches")))  # fmt: skip


def _waited(batches: int, found: list[dict[str, Any]]) -> Row:
    return (
        batches,
        told(spread(one["polling_requests"] for one in found), 0),
        found[0]["looks"],
        told(spread(one["polling_requests"] / one["looks"] for one in found)),
        told(spread(one["call_after_ready"] for one in found)),
        told(spread(one["end_after_ready"] for one in found)),
        told(spread(one["end_after_ready"] / one["pause"] for one in found), 2),
    )


def cleanup_table(results: Results) -> str:
    """The cleanups, with the look-ups that each has made."""
    head = ("", "batches", "whole command, s", "its calls, s", "physical limit of its calls, s",
            "the simulator's own CPU, s", "requests")  # fmt: skip
    return table(head, _cleanups(results))


def _cleanups(results: Results) -> Iterator[Row]:
    for contender in (SWEEP, RESOURCE, SCRIPT):
        found = list(results.of("cleanup", contender=contender).values())
        if found:
            times = (told(spread(one[key] for one in found), 2) for key in ("seconds", "span"))
            limit = spread(limits.of_cleanup(one["requests"], LATENCY_MS) for one in found)
            made = ", ".join(f"{count} {kind}" for kind, count in found[0]["requests"].items())
            batches = results.labels("cleanup", "batches")[0]
            yield NAMES[contender], batches, *times, told(limit, 2), told(spread(o["api_cpu"] for o in found), 2), made


def quota_table(results: Results) -> str:
    """Two hosts, one quota."""
    found = list(results.of("quota").values())
    head = ("batches", "the quota's own time, s", "first to last create, s", "both commands, s", "429s")
    return table(head, [(
        results.labels("quota", "batches")[0], found[0]["quota"], told(spread(one["creating"] for one in found)),
        told(spread(one["seconds"] for one in found)), told(spread(one["turned_away"] for one in found), 0),
    )] if found else [])  # fmt: skip


def state_table(results: Results) -> str:
    """The engine's settings."""
    head = ("batches", "setting", "`up`, s", "`destroy`, s")
    return table(head, (
        (batches, setting, *(told(spread(one[step]["seconds"] for one in found)) for step in ("up", "destroy")))
        for batches in results.labels("state", "batches")
        for setting in SETTINGS
        for found in [list(results.of("state", setting=setting, batches=batches).values())]
        if found
    ))  # fmt: skip


def memory_table(results: Results) -> str:
    """The memory of a cleanup, by the length of the list that it looks through."""
    head = ("batches in the list", "requests", "whole command, s", "peak, MiB")
    return table(head, (
        (batches, sum(one["requests"].values()), f"{one['seconds']:.1f}",
         f"{one['peak_bytes'] / MIB:.0f}" if one["peak_bytes"] else "")
        for batches in results.labels("memory", "batches")
        for one in results.of("memory", batches=batches).values()
    ))  # fmt: skip


def weight_table(results: Results) -> str:
    """The bytes of a batch in the state, and the parts of ours."""
    found = {name: results.of("weight", contender=name).get(1) for name in (OURS, NATIVE, PLAIN, ENGINE_ALONE)}
    return table(("", "bytes in the state for each batch", "of which"), (
        (NAMES[name], f"{one['bytes_per_batch']:.0f}", ", ".join(f"{part} {n:.0f}" for part, n in one["parts"].items()))
        for name, one in found.items() if one
    ))  # fmt: skip

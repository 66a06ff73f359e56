"""Several processes and many threads, one log: every line is whole, and about the batch that it names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from observability.debug_log import DebugLog, calls_of
from scenarios.one_stack import KEY, OneStack
from stages.cli import is_foreign

from pulumi_anchorbrowser.dynamic.providers import BatchProvider
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.rehearsal import ProviderHost
from pulumi_anchorbrowser.simulator import Simulator

HOSTS, BATCHES = 2, 40
BATCHES_PATH = "/v1/batch-sessions"
URN = "urn:pulumi:dev::demo::pulumi-python:dynamic/anchorbrowser:Batch::b"
COMMAND = "import sys; from pulumi_anchorbrowser.cli import main; sys.argv[0] = 'pulumi-anchorbrowser'; main()"


def environment(sim: Simulator, folder: Path) -> dict[str, str]:
    return {
        "ANCHORBROWSER_API_KEY": KEY,
        "ANCHORBROWSER_BASE_URL": sim.url,
        "ANCHORBROWSER_RECEIPTS": str(folder / "receipts.sqlite3"),
    }


def inputs_and_outputs(host: ProviderHost, name: str, stack: str = "dev") -> dict[str, Any]:
    """Create a batch as the engine does. Return its properties."""
    urn = f"{URN}-{name}"
    inputs = host.check(urn, {}, {"count": 1, "owner": f"organization/demo/{stack}"}).inputs
    return {**inputs, **host.create(urn, inputs).outputs}


def created(host: ProviderHost, name: str) -> str:
    """Create a batch and return its claim."""
    return str(inputs_and_outputs(host, name)["claim"])


def command_line(sim: Simulator, folder: Path, *args: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not is_foreign(name)}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *args],
        env=kept | environment(sim, folder),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def claims_by_batch(sim: Simulator) -> dict[str, str]:
    """Return the claim that the sessions of each batch carry, by batch."""
    marks = {batch.id: batch.configuration["session"]["tags"] for batch in sim.batches.values()}
    return {id_: tag.partition(":")[2] for id_, tags in marks.items() for tag in tags if tag.startswith("pulumi-claim")}


def wrongly_named(lines: Sequence[dict[str, Any]], claims: dict[str, str]) -> list[dict[str, Any]]:
    """Return the lines whose path names another batch than their own, or whose batch has another claim."""
    return [
        line
        for line in lines
        if (found := line.get("batch_id")) in claims
        and (
            line.get("claim", claims[found]) != claims[found]
            or any(id_ in line.get("path", "") for id_ in claims if id_ != found)
        )
    ]


def test_two_hosts_write_whole_lines_into_one_file(sim: Simulator, log: DebugLog, tmp_path: Path) -> None:
    env: dict[str, str | None] = {**environment(sim, tmp_path), "ANCHORBROWSER_LOG": str(log.place)}
    hosts = [ProviderHost(BatchProvider(), env=env).start() for _ in range(HOSTS)]
    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(lambda n: created(hosts[n % HOSTS], str(n)), range(HOSTS * BATCHES)))
    for host in hosts:
        host.close()
    assert log.calls() == calls_of(sim.requests)
    assert len({line["pid"] for line in log.lines()}) == HOSTS
    assert sorted(line["claim"] for line in log.lines("request")) == sorted(claims)
    # A line of a create leads by its receipt to the batch.
    receipts = {(one.run, one.id): one for one in Receipts(tmp_path / "receipts.sqlite3").all()}
    named = {receipts[line["run"], line["receipt"]].subject.batch_id: line["claim"] for line in log.lines("receipt")}
    assert named == claims_by_batch(sim)


def test_a_page_of_the_list_that_many_reads_share_names_no_batch(sim: Simulator, log: DebugLog, tmp_path: Path) -> None:
    env: dict[str, str | None] = {**environment(sim, tmp_path), "ANCHORBROWSER_LOG": str(log.place)}
    with ProviderHost(BatchProvider(), env=env) as host, ThreadPoolExecutor(8) as pool:
        made = [inputs_and_outputs(host, str(n)) for n in range(8)]
        sim.clear_requests()
        list(pool.map(lambda n: host.read(f"{URN}-{n}", made[n]["batch_id"], made[n]), range(8)))
    pages = log.lines("request", path=BATCHES_PATH, method="GET")
    assert pages
    assert [line for line in pages if line.keys() & {"urn", "claim", "batch_id"}] == []
    assert {line["operation"] for line in pages} == {"read"}


def test_a_cleanup_names_the_batch_and_the_claim_that_each_line_is_about(
    stack: OneStack, sim: Simulator, log: DebugLog, tmp_path: Path
) -> None:
    # Of another stack: a cleanup never stops the batches of its own.
    with ProviderHost(BatchProvider(), env=dict(environment(sim, tmp_path))) as host:
        for name in ("a", "b", "c"):
            inputs_and_outputs(host, name, "other")
    claims = claims_by_batch(sim)
    sweep = {"kind": "BatchCleanup", "select": {"owner": "organization/demo/other"}, "when": "apply"}
    stack.up({"sweep": sweep})
    cleaning = log.lines(operation="cleanup")
    assert {line["urn"] for line in cleaning} == {stack.stage.urn("sweep")}
    assert wrongly_named(cleaning, claims) == []
    deleted = {line["batch_id"]: line["claim"] for line in cleaning if line.get("method") == "DELETE"}
    assert deleted == claims
    assert sim.live_sessions() == []


def test_a_command_names_its_run_and_each_batch(sim: Simulator, log: DebugLog, tmp_path: Path) -> None:
    with ProviderHost(BatchProvider(), env=dict(environment(sim, tmp_path))) as host:
        for name in ("one", "two"):
            created(host, name)
    claims = claims_by_batch(sim)
    sim.clear_requests()
    command_line(sim, tmp_path, "--log", str(log.place), "sweep", "--owner", "organization/demo/dev", "--yes")
    assert log.calls() == calls_of(sim.requests)
    lines = log.lines("request")
    assert {line["operation"] for line in lines} == {"sweep"}
    runs = {one.run for one in Receipts(tmp_path / "receipts.sqlite3").all() if one.operation == "delete"}
    assert {line["run"] for line in lines} == runs
    assert wrongly_named(lines, claims) == []
    assert {line["batch_id"]: line["claim"] for line in lines if line["method"] == "DELETE"} == claims


def test_a_command_whose_log_cannot_be_written_says_so_and_does_its_work(sim: Simulator, tmp_path: Path) -> None:
    with ProviderHost(BatchProvider(), env=dict(environment(sim, tmp_path))) as host:
        created(host, "one")
    command_line(sim, tmp_path, "--log", str(tmp_path), "sweep", "--owner", "organization/demo/dev", "--yes")
    assert sim.live_sessions() == []

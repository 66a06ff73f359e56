"""From a resource to its receipts, to its sessions, and to every line that was written about it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from observability.debug_log import DebugLog, calls_of
from scenarios.one_stack import COUNT, OneStack, browsers

from pulumi_anchorbrowser import __version__
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import Fault, LoggedRequest, Simulator

READY = {"ready": {"kind": "BatchReady", "batch_id": "@browsers"}}
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "observability.md").read_text(encoding="utf-8")
PACKAGE = Path(__file__).resolve().parents[2] / "provider" / "pulumi_anchorbrowser"


def bad_life(stack: OneStack) -> list[LoggedRequest]:
    """A batch is started, awaited, cancelled and destroyed, with something wrong in every command. All requests."""
    sim = stack.sim
    stack.stage.env["ANCHORBROWSER_MAX_RETRIES"] = "2"
    requests: list[LoggedRequest] = []

    def run(command: Callable[..., Any], *args: Any) -> None:
        command(*args)
        requests.extend(sim.requests)

    sim.faults.add(Fault("status", method="POST", status=429))
    sim.faults.add(Fault("status", method="GET", status=503))
    run(stack.up, {**browsers(count=COUNT), **READY})
    sim.faults.add(Fault("garbled", method="GET"))
    run(stack.up, {**browsers(count=COUNT, status="cancelled"), **READY})
    sim.faults.add(Fault("reset_before", method="DELETE"))
    run(stack.destroy)
    return requests


def test_every_request_is_one_line_with_its_method_path_and_status(
    stack: OneStack, sim: Simulator, log: DebugLog
) -> None:
    requests = bad_life(stack)
    assert log.calls() == calls_of(requests)
    assert {429, 503, 409, None} <= {request.status for request in requests}
    # Retries are numbered, and say what they waited for.
    [batch] = sim.batches
    path = f"/v1/batch-sessions/{batch}"
    creates = log.lines("request", method="POST")
    assert [(line["attempt"], line["status"]) for line in creates] == [(1, 429), (2, 200)]
    awaited = log.lines("request", method="GET", operation="wait")
    assert [(line["attempt"], line["status"]) for line in awaited] == [(1, 503), (2, 200)]
    looked = log.lines("request", method="GET", operation="update", path=path)
    assert [line["attempt"] for line in looked] == [1, 2]
    deletes = log.lines("request", method="DELETE", path=path)
    assert [(line["attempt"], line.get("status"), line.get("error")) for line in deletes] == [
        (1, None, "ProtocolError"),
        (2, 200, None),
    ]
    assert {line["reason"] for line in log.lines("wait")} >= {"turn", "retry"}
    assert [line["lane"] for line in log.lines("limit")] == ["starting"]


def test_one_claim_is_in_the_resource_its_receipts_its_sessions_and_every_line_about_it(
    stack: OneStack, sim: Simulator, log: DebugLog, tmp_path: Path
) -> None:
    made = stack.up({"one": {"count": 2}, "other": {"count": 3}}).outputs
    assert made["one"]["claim"] != made["other"]["claim"]
    stack.up({"one": {"count": 2, "status": "deleted"}, "other": {"count": 3}})
    receipts = Receipts(tmp_path / "receipts.sqlite3").all()
    for name, outputs in made.items():
        claim, batch_id, urn = outputs["claim"], outputs["batch_id"], stack.stage.urn(name)
        lines = log.lines(urn=urn)
        assert lines
        assert {line.get("claim") for line in lines} == {claim}
        assert log.lines(claim=claim) == lines
        [request] = [line for line in lines if line.get("method") == "POST"]
        assert (request["operation"], request["status"]) == ("create", 200)
        steps = [line["step"] for line in lines if line["event"] == "decision" and line["operation"] == "create"]
        assert steps == ["Start", "Done"]
        # The receipts are those that the lines name, by number and by run.
        mine = [(one.id, one.run, one.operation) for one in receipts if one.subject.claim == claim]
        assert [(line["receipt"], line["run"], line["call"]) for line in lines if line["event"] == "receipt"] == mine
        sessions = sim.batches[batch_id].configuration["session"]["tags"]
        assert f"pulumi-claim:{claim}" in sessions
    assert [line["operation"] for line in log.lines("operation", claim=made["one"]["claim"])] == ["create", "update"]


def test_every_step_is_a_decision_line_with_its_goal(stack: OneStack, log: DebugLog) -> None:
    bad_life(stack)
    steps = [(line["operation"], line["goal"], line["step"]) for line in log.lines("decision")]
    assert steps == [
        *(("create", "Started", step) for step in ("Start", "Done")),
        *(("update", "Cancelled", step) for step in ("Cancel", "Get", "EndSessions", "Confirm", "Done")),
        *(("delete", "Deleted", step) for step in ("Delete", "Confirm", "Done")),
    ]


def test_the_endings_of_sessions_in_other_threads_have_the_same_claim(stack: OneStack, log: DebugLog) -> None:
    bad_life(stack)
    ended = [line for line in log.lines("request", method="DELETE") if line["path"].startswith("/v1/sessions/")]
    assert len(ended) == COUNT
    [claim] = {line["claim"] for line in log.lines("operation", operation="create")}
    assert {line.get("claim") for line in ended} == {claim}


def test_every_request_names_the_version_that_made_it(stack: OneStack) -> None:
    agents = {request.user_agent for request in bad_life(stack)}
    assert agents == {f"pulumi-anchorbrowser/{__version__}"}


def test_the_page_lists_every_event_and_field(stack: OneStack, log: DebugLog) -> None:
    bad_life(stack)
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert {line["event"] for line in log.lines()} <= listed
    written = {field for line in log.lines() for field in line}
    assert written - set(re.findall(r"`(\w+)`", PAGE)) == set()
    source = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    assert set(re.findall(r'_LOGGER\.debug\("(\w+)", extra', source)) <= listed
    assert set(re.findall(r'"reason": "(\w+)"', source)) <= set(re.findall(r"`(\w+)`", PAGE))
    assert set(re.findall(r'"settled": "(\w+)"', source)) <= set(re.findall(r"`(\w+)`", PAGE))


def test_the_queries_of_the_page_find_what_the_page_says(stack: OneStack, log: DebugLog) -> None:
    if shutil.which("jq") is None:
        pytest.skip("no jq on PATH")
    bad_life(stack)
    [claim] = {line["claim"] for line in log.lines("operation", operation="create")}
    example = str(json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])["claim"])
    queries = [line.replace(example, claim) for line in PAGE.splitlines() if line.startswith("jq ")]
    found = [asked(query, log) for query in queries]
    assert found == [
        log.lines(claim=claim),
        log.lines("operation", outcome="failed"),
        [line for line in log.lines("request") if line["attempt"] > 1],
    ]
    assert found[0]
    assert found[2]


def asked(query: str, log: DebugLog) -> list[dict[str, Any]]:
    """Return what a command of the page prints for this log."""
    command = [*shlex.split(query)[:-1], str(log.place)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]

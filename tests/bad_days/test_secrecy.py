"""Where everything goes wrong, the errors, warnings and receipts still hold no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bad_days.watched_stack import WatchedStack
from crashes.secrets_sought import PASSWORD, PROXY, nothing_secret_in, secrets_in
from scenarios.one_stack import KEY, errors

from pulumi_anchorbrowser.simulator import Fault, Simulator

WITH_PROXY = {"count": 2, "configuration": {"session": {"proxy": PROXY}}}
READY = {"kind": "BatchReady", "batch_id": "@browsers", "record_sessions": True}


def test_no_secret_is_printed_or_kept_by_creates_waits_and_stops_that_fail(stack: WatchedStack, sim: Simulator) -> None:
    # Secret to the engine; the program gives the password to the batch as plain text.
    stack.stage.set_secret("resources", json.dumps({"browsers": WITH_PROXY, "ready": READY}))
    told = []
    for status in (400, 402, 403, 500):
        sim.faults.add(Fault("status", status=status, method="POST"))
        told += errors(stack.up(expect_failure=True))
    sim.faults.add(Fault("reset_after", method="POST"))
    made = stack.up().outputs
    # They are real secrets, and the API got and gave them.
    assert sim.requests_of("POST")[0].body["configuration"]["session"]["proxy"]["password"] == PASSWORD
    [first, _] = made["ready"]["sessions"]
    assert secrets_in(first["cdp_url"].encode())

    sim.faults.add(Fault("html", status=403, method="DELETE", times=None, handled=False))
    told += errors(stack.run(stack.stage.destroy, expect_failure=True))
    assert len(told) == 5
    assert stack.receipts.stat().st_size > 0
    stack.destroyed_in_the_end()


def test_the_search_for_secrets_finds_them(tmp_path: Path) -> None:
    for secret in (KEY, PASSWORD, "wss://connect.simulator.invalid?sessionId=1"):
        (tmp_path / "receipts.sqlite3-wal").write_bytes(b"\0" + secret.encode() + b"\0")
        with pytest.raises(AssertionError, match="receipts"):
            nothing_secret_in(tmp_path)

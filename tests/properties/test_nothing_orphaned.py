"""Whatever happens in whatever order: no browser runs that nothing knows, and no count is wrong.

Random programs of create, adopt, cancel, delete, refresh, replace and destroy, with random faults on the wire and
crashes of the host at any request, against the real provider host and the real plugin. `ANCHORBROWSER_TEST_EXAMPLES`
sets how many.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
from crashes.truths import truths
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from lives import DYNAMIC, KEY, OWNER, PLUGIN, Engine, host_for

from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.rehearsal import ProviderHost
from pulumi_anchorbrowser.simulator import Fault, Simulator, SimulatorSettings

NAMES, ADOPTED = ["a", "b"], "adopted"
STATUSES = ["active", "active", "cancelled", "deleted"]
FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "handled": True},
    {"kind": "status", "status": 429, "retry_after": 0},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "reset_mid_body"},
    {"kind": "no_reply"},
    {"kind": "no_reply", "handled": False},
    {"kind": "handle_later", "seconds": 0.1},
    {"kind": "reset_then_handle", "seconds": 0.2},
    {"kind": "garbled"},
    {"kind": "truncated"},
    {"kind": "html", "status": 200},
    {"kind": "complete_before"},
]
LATE = ("handle_later", "reset_then_handle")
LATE_SECONDS = 1.0  # longer than any request is handled after its client has given up


class Lives(RuleBasedStateMachine):
    """One stack over its life, with the dynamic provider."""

    package, type = DYNAMIC, "pulumi-python:dynamic/anchorbrowser:Batch"

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.place = Path(self.folder.name) / "receipts.sqlite3"
        self.state = Path(self.folder.name) / "state.json"
        self.simulator = Simulator(api_keys={KEY: "team"}).start()
        # Quick to give up on a response, since many never come.
        host = self.host(request_timeout=0.4, settle_timeout=0.3)
        self.engine = Engine(host, self.state, self.package)
        self.engine.save()
        host.start()
        self.undisturbed = True
        self.may_act_late = False
        self.outsiders: set[str] = set()

    @initialize(
        creation=st.sampled_from([0.0, 0.5]),
        after_delete=st.sampled_from(["404", "empty"]),
        second_delete=st.sampled_from(["404", "zeros"]),
        end_ended=st.sampled_from(["200", "404"]),
        failed_cancellable=st.booleans(),
        failing=st.sampled_from([0, 0, 1]),
        listed_late=st.sampled_from([0.0, 0.0, 0.2]),
    )
    def choose_the_api(
        self,
        creation: float,
        after_delete: Any,
        second_delete: Any,
        end_ended: Any,
        failed_cancellable: bool,
        failing: int,
        listed_late: float,
    ) -> None:
        known: SimulatorSettings = self.simulator.settings
        known.creation_seconds = creation
        known.get_after_delete = after_delete
        known.second_delete = second_delete
        known.end_ended_session = end_ended
        known.failed_batch_cancellable = failed_cancellable
        known.failing_sessions = failing
        known.sessions_listed_after = known.batches_listed_after = listed_late

    @rule(
        name=st.sampled_from(NAMES),
        count=st.integers(2, 3),
        status=st.sampled_from(STATUSES),
        on_destroy=st.sampled_from(["delete", "delete", "cancel", "end_sessions"]),
        if_completed=st.sampled_from(["end_sessions", "end_sessions", "delete", "fail"]),
    )
    def up(self, name: str, count: int, status: str, on_destroy: str, if_completed: str) -> None:
        if on_destroy == "cancel" and if_completed == "fail":
            return  # a destroy that the user wants to fail
        inputs = {"count": count, "status": status, "on_destroy": on_destroy, "if_completed": if_completed}
        self.engine.up(self.urn(name), inputs)

    @rule(status=st.sampled_from(STATUSES))
    def adopt(self, status: str) -> None:
        known = self.engine.state.get(self.urn(ADOPTED))
        batch_id = known.id if known else self.made_elsewhere()
        self.engine.up(self.urn(ADOPTED), {"batch_id": batch_id, "status": status})

    @rule(name=st.sampled_from([*NAMES, ADOPTED]))
    def refresh(self, name: str) -> None:
        self.engine.refresh(self.urn(name))

    @rule(name=st.sampled_from([*NAMES, ADOPTED]))
    def destroy(self, name: str) -> None:
        self.engine.destroy(self.urn(name))

    @rule(fault=st.sampled_from(FAULTS), method=st.sampled_from([None, "POST", "PATCH", "DELETE", "GET"]))
    def something_goes_wrong_next(self, fault: dict[str, Any], method: str | None) -> None:
        self.undisturbed = False
        self.may_act_late |= fault["kind"] in LATE
        self.simulator.faults.add(Fault(method=method, **fault))

    @rule(heal=st.sampled_from([1, 2, None]))
    def deletions_fail(self, heal: int | None) -> None:
        self.undisturbed = False
        self.simulator.settings.failing_deletions = 1
        self.simulator.settings.deletions_heal_after = heal

    @rule(moment=st.sampled_from(["before", "after"]), method=st.sampled_from([None, "POST", "PATCH", "DELETE"]))
    def the_host_is_killed_at_a_request(self, moment: str, method: str | None) -> None:
        self.undisturbed = False
        kill = {moment: lambda _: self.engine.host.kill()}
        self.simulator.faults.add(Fault("callback", method=method, **kill))

    @rule()
    def the_next_checkpoint_is_lost(self) -> None:
        self.undisturbed = False
        self.engine.lose_next_checkpoint = True

    @rule()
    def another_run_begins(self) -> None:
        self.engine.new_run()

    @invariant()
    def every_live_session_is_known(self) -> None:
        """By a resource of the state, by a pending entry of it, or by a receipt of a create without a known end."""
        ids = {known.outputs.get("batch_id") for known in self.engine.known()}
        claims = {f"pulumi-claim:{inputs['claim']}" for _, inputs in self.engine.pending}
        unfinished = Receipts(self.place).creates_without_end(OWNER)
        claims |= {f"pulumi-claim:{receipt.subject.claim}" for receipt in unfinished}
        for session in self.simulator.live_sessions():
            assert session.batch_id in ids | self.outsiders or claims & set(session.tags), session

    @invariant()
    def what_is_confirmed_as_stopped_has_stopped(self) -> None:
        for known in self.engine.known():
            batch_id = known.outputs.get("batch_id") or ""
            if known.outputs.get("still_running") == 0:
                assert self.simulator.live_sessions(batch_id=batch_id) == [], known.outputs

    @invariant()
    def every_count_is_the_api_s_own(self) -> None:
        for known in self.engine.known():
            batch = self.simulator.batches.get(known.outputs.get("batch_id") or "")
            if batch is None:
                continue
            for name, truth in truths(batch).items():
                assert known.outputs.get(name) in {None, truth}, (name, truth, known.outputs)
            # On a machine so busy that a request times out, even an undisturbed DELETE is sent twice.
            once = len(self.simulator.requests_of("DELETE", f"/v1/batch-sessions/{batch.id}")) == 1
            if self.undisturbed and once and known.outputs["status"] == "deleted" and batch.deleted:
                assert known.outputs["deleted_sessions"] == len(batch.removed)

    def teardown(self) -> None:
        try:
            self.converge_without_faults()
        finally:
            self.engine.host.close()
            self.simulator.stop()
            self.folder.cleanup()

    def converge_without_faults(self) -> None:
        """After a last `up` and a destroy on a good day, nothing runs at all."""
        self.simulator.faults.clear()
        self.engine.lose_next_checkpoint = False
        self.simulator.settings.failing_deletions = 0
        time.sleep(LATE_SECONDS if self.may_act_late else 0)
        self.engine.host.close()
        # Patient, since every response comes now, however busy the machine.
        self.engine.host = self.host(request_timeout=30, settle_timeout=1).start()
        for urn in map(self.urn, NAMES):
            is_created = urn not in self.engine.state
            assert self.engine.up(urn, {"count": 2, "status": "active"}), self.engine.last_error
            if is_created:
                assert self.ever_started_and_live(urn) <= {known.id for known in self.engine.known()}
        assert self.engine.delete_condemned(), self.engine.last_error
        for urn in list(self.engine.state):
            assert self.engine.destroy(urn), self.engine.last_error
        mine = [s for s in self.simulator.live_sessions() if s.batch_id not in self.outsiders]
        assert mine == []

    def ever_started_and_live(self, urn: str) -> set[str]:
        """The batches of all creates of this resource that have a live session."""
        creates = (one.subject for one in Receipts(self.place).all() if one.operation == "create")
        claims = {f"pulumi-claim:{create.claim}" for create in creates if create.urn == urn}
        return {session.batch_id for session in self.simulator.live_sessions() if claims & set(session.tags)}

    def urn(self, name: str) -> str:
        return f"urn:pulumi:lives::project::{self.type}::{name}"

    def host(self, **seconds: float) -> ProviderHost:
        return host_for(self.package, self.simulator, self.place, self.state, **seconds)

    def made_elsewhere(self) -> str:
        url, headers = f"{self.simulator.url}/v1/batch-sessions", {"anchor-api-key": KEY}
        self.simulator.faults.clear()
        batch_id: str = requests.post(url, json={"count": 2}, headers=headers, timeout=60).json()["data"]["batch_id"]
        self.outsiders.add(batch_id)
        return batch_id


class PluginLives(Lives):
    """One stack over its life, with the native plugin."""

    package, type = PLUGIN, "anchorbrowser:index:Batch"


for lives, examples in ((Lives, "10"), (PluginLives, "5")):
    lives.TestCase.settings = settings(
        max_examples=int(os.environ.get("ANCHORBROWSER_TEST_EXAMPLES", examples)),
        stateful_step_count=12,
        deadline=None,
        derandomize="ANCHORBROWSER_TEST_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
TestLives, TestPluginLives = Lives.TestCase, PluginLives.TestCase

"""Single sessions, which belong to no batch: found by the same tags, age and protection, and ended one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from yard import HOUR, OTHER, STATUSES, THIS, Yard, owned, skipped

from pulumi_anchorbrowser.cleanup import Actor, Exclusion, TooMany, outputs_of
from pulumi_anchorbrowser.lifecycle.listing import ListingIncomplete
from pulumi_anchorbrowser.lifecycle.state import StackState
from pulumi_anchorbrowser.lifecycle.tags import new_claim
from pulumi_anchorbrowser.simulator import Fault, LoggedRequest

SESSIONS: dict[str, Any] = {"tags": ["t"], "what": "sessions"}
ALL: dict[str, Any] = {"tags": ["t"], "what": "all"}


def single(yard: Yard, *tags: str) -> str:
    return yard.sim.start_session(tags=tags)


def test_only_single_sessions_are_ended_and_those_of_batches_run_on(yard: Yard) -> None:
    batch = yard.start("t", count=3)
    ended, other = single(yard, "t"), single(yard, "x")
    report = yard.run(select=SESSIONS)
    assert [(one.session_id, one.outcome, one.ended_sessions) for one in report.results] == [(ended, "done", 1)]
    assert yard.running() == {other, *(yard.session(batch, index) for index in range(3))}
    assert report.summary() == "ended 1 single session, 1 session ended"


def test_all_means_batches_and_single_sessions_and_exactly_the_planned_ones_are_stopped(yard: Yard) -> None:
    batches = {yard.start("t") for _ in range(5)}
    singles = {single(yard, "t") for _ in range(7)}
    kept_batch, kept = yard.start("x", count=1), single(yard, "x")
    plan = yard.plan(select=ALL)
    assert {one.batch_id for one in plan.batches} == batches
    assert {one.session_id for one in plan.sessions} == singles
    assert plan.summary().startswith("delete 5 batches (10 sessions requested) and end 7 single sessions: ")
    late = single(yard, "t")
    report = yard.cleanup.carry_out(plan, yard.heard)
    assert yard.running() == {kept, late, yard.session(kept_batch)}
    assert report.totals() == {
        "cancelled_sessions": None,
        "deleted_sessions": 10,
        "ended_sessions": 7,
        "failed_sessions": 0,
        "still_running": 0,
        "cleaned_batches": 5,
        "gone_batches": 0,
        "skipped_batches": 0,
        "failed_batches": 0,
    }
    assert {one["session_id"] for one in outputs_of(report)["results"] if one["session_id"]} == singles


def test_batches_alone_are_the_default(yard: Yard) -> None:
    session = single(yard, "t")
    assert yard.run(select={"tags": ["t"]}).plan.is_empty
    assert yard.running() == {session}


def test_the_same_rules_skip_single_sessions(yard: Yard) -> None:
    protected, kept, own, claimed = (
        single(yard, *tags)
        for tags in (("t", "pulumi-protect"), ("t", "keep"), owned(THIS, "t"), ("t", "pulumi-claim:a"))
    )
    ended = single(yard, "t")
    state = StackState(claims=frozenset({"a"}), batch_ids=frozenset({""}))
    report = yard.run(select=SESSIONS, exclude=Exclusion(tags=["keep"]), read_state=lambda: state)
    assert skipped(report.plan) == {protected: "protected", kept: "excluded", own: "own", claimed: "own"}
    assert yard.running() == {protected, kept, own, claimed}
    assert [one.session_id for one in report.results] == [ended]


def test_owner_and_age_select_single_sessions(yard: Yard) -> None:
    yard.sim.advance(-3 * HOUR)
    old, old_of_another = single(yard, *owned(OTHER)), single(yard)
    yard.sim.advance(3 * HOUR)
    single(yard, *owned(OTHER))
    plan = yard.plan(select={"owner": OTHER, "older_than": "1h", "what": "sessions"})
    assert [one.session_id for one in plan.sessions] == [old]
    plan = yard.plan(select={"older_than": "1h", "what": "sessions"})
    assert {one.session_id for one in plan.sessions} == {old, old_of_another}


def test_a_session_of_a_batch_that_the_api_does_not_list_yet_is_undecided(yard: Yard) -> None:
    claim = new_claim(yard.now(), "abcde")
    yard.sim.settings.batches_listed_after = 60
    batch = yard.start(*owned(OTHER, "t", f"pulumi-claim:{claim}"), count=1)
    plan = yard.plan(select=SESSIONS)
    assert skipped(plan) == {yard.session(batch): "undecided"}
    assert "the API lists no such batch yet" in plan.skipped[0].reason


def test_what_outlives_the_deletion_of_its_batch_is_a_single_session(yard: Yard) -> None:
    yard.sim.settings.surviving_sessions = 1
    yard.sim.settings.survive = ("delete",)
    batch = yard.start("t")
    yard.sim.delete(batch)
    yard.run(select=SESSIONS)
    assert yard.running() == set()


def test_ended_sessions_do_not_match(yard: Yard) -> None:
    session = single(yard, "t")
    yard.run(select=SESSIONS)
    assert yard.plan(select=SESSIONS).is_empty
    assert session not in yard.running()


def test_no_batch_is_looked_at_where_no_single_session_can_match(yard: Yard) -> None:
    yard.start("x")
    yard.sim.clear_requests()
    assert yard.plan(select=SESSIONS).is_empty
    assert [one.path for one in yard.sim.requests] == [STATUSES]


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (("t", "pulumi-protect"), "it is tagged 'pulumi-protect'"),
        (("t", *owned(THIS)), "it carries the owner tag of this cleanup's own stack"),
        ((), "the API no longer lists it as running with the tags of the selection"),
    ],
)
def test_a_session_that_no_longer_qualifies_is_skipped(yard: Yard, tags: tuple[str, ...], reason: str) -> None:
    changed, other = single(yard, "t"), single(yard, "t")
    plan = yard.plan(select=SESSIONS)
    yard.sim.put_tags(changed, tags)
    report = yard.cleanup.carry_out(plan, yard.heard)
    assert {one.session_id: (one.outcome, one.reason) for one in report.results} == {
        changed: ("skipped", reason),
        other: ("done", None),
    }
    assert yard.running() == {changed}


def test_protection_that_is_set_while_calls_wait_spares_the_sessions_that_are_still_to_end(
    yard: Yard, tmp_path: Path
) -> None:
    one_by_one = Yard(yard.sim, tmp_path / "others.sqlite3", max_concurrency=1)
    sessions = {single(yard, "t") for _ in range(3)}
    plan = one_by_one.plan(select=SESSIONS)

    def protect(request: LoggedRequest) -> None:
        for session in sessions - {request.path.rpartition("/")[2]}:
            yard.sim.put_tags(session, ["t", "pulumi-protect"])
        one_by_one.clock.sleep(60)

    yard.sim.faults.add(Fault(method="DELETE", before=protect))
    report = one_by_one.cleanup.carry_out(plan, yard.heard)
    one_by_one.client.close()
    assert [one.outcome for one in report.results] == ["done", "skipped", "skipped"]
    assert {one.session_id for one in report.results[1:]} == yard.running()


def test_a_look_serves_several_endings(yard: Yard) -> None:
    for _ in range(17):
        single(yard, "t")
    plan = yard.plan(select=SESSIONS)
    yard.sim.clear_requests()
    yard.cleanup.carry_out(plan, yard.heard)
    assert yard.running() == set()
    looks = [one for one in yard.sim.requests if one.path == STATUSES]
    assert len(looks) == 3, "one for 4 endings of each of 4 calls at once, one for the rest, one to confirm"


def test_more_single_sessions_than_the_limit_are_refused(yard: Yard) -> None:
    for _ in range(3):
        single(yard, "t")
    with pytest.raises(TooMany, match="3 matches found, and limit is 2"):
        yard.run(select=SESSIONS, limit=2)
    assert len(yard.running()) == 3


def test_each_ended_session_has_a_receipt_that_names_it_and_the_acting_stack(yard: Yard) -> None:
    session = single(yard, "t")
    yard.cleanup.carry_out(yard.plan(select=SESSIONS), yard.heard, actor=Actor(THIS, "urn:of:it"))
    [receipt] = yard.receipts.all()
    assert (receipt.operation, receipt.outcome, receipt.ended, receipt.ended_sessions) == (
        "end_sessions",
        "done",
        (session,),
        1,
    )
    assert (receipt.subject.owner, receipt.subject.urn, receipt.subject.batch_id) == (THIS, "urn:of:it", None)


def test_a_session_that_runs_on_after_it_was_ended_is_a_failure(yard: Yard) -> None:
    yard.sim.settings.surviving_sessions = 1
    yard.sim.settings.survive = ("end",)
    session = single(yard, "t")
    report = yard.run(select=SESSIONS)
    [result] = report.results
    assert (result.outcome, result.still_running) == ("failed", 1)
    assert report.failures == [
        {
            "batch_id": None,
            "session_id": session,
            "reason": "the API still lists it as running after it was ended",
        }
    ]


def test_an_ending_that_cannot_be_confirmed_is_done_with_a_warning(yard: Yard) -> None:
    single(yard, "t")
    plan = yard.plan(select=SESSIONS)
    yard.sim.faults.add(Fault("status", method="GET", path=STATUSES, status=500, nth=2, times=None))
    [result] = yard.cleanup.carry_out(plan, yard.heard).results
    assert (result.outcome, result.still_running) == ("done", None)
    assert yard.heard.warnings[0].startswith("could not confirm that the single sessions have ended: ")


def test_a_refused_ending_is_a_failure_and_the_rest_is_ended(yard: Yard) -> None:
    stuck, other = single(yard, "t"), single(yard, "t")
    yard.sim.faults.add(Fault("status", method="DELETE", path=f"/v1/sessions/{stuck}", status=400, times=None))
    report = yard.run(select=SESSIONS)
    assert {one.session_id: one.outcome for one in report.results} == {stuck: "failed", other: "done"}
    assert yard.running() == {stuck}


def test_an_interrupt_ends_the_calls_in_flight_and_names_the_sessions_that_were_not_begun(yard: Yard) -> None:
    for _ in range(30):
        single(yard, "t")
    plan = yard.plan(select=SESSIONS)
    yard.sim.faults.add(Fault(method="DELETE", nth=3, before=lambda _: yard.clock.interrupt()))
    report = yard.cleanup.carry_out(plan, yard.heard)
    assert set(report.not_begun) == yard.running()
    assert 20 < len(report.not_begun) < 30


def test_where_the_sessions_of_a_batch_cannot_be_read_no_session_is_taken_for_a_single_one(yard: Yard) -> None:
    batch = yard.start("t")
    yard.sim.faults.add(
        Fault("status", method="GET", status=400, times=None, when=lambda one: one.query.get("batch_id") == batch)
    )
    with pytest.raises(Exception, match="HTTP 400"):
        yard.plan(select=SESSIONS)


def test_a_list_of_sessions_that_lacks_some_is_an_error(yard: Yard) -> None:
    single(yard, "t")
    yard.sim.settings.total_off_by = 1
    with pytest.raises(ListingIncomplete):
        yard.plan(select=SESSIONS)

"""Carrying out: paging while batches come and go, many at once, failures, limits, and true counts."""

from __future__ import annotations

import threading

import pytest
from yard import BATCHES, OTHER, THIS, Yard, owned

from pulumi_anchorbrowser.lifecycle.cleanup import Actor, Request, Selection, TooMany, Watch
from pulumi_anchorbrowser.simulator import Fault, LoggedRequest

TAGGED = {"owner": "any", "tags": ["t"]}


def test_of_500_batches_exactly_the_137_that_match_are_gone(yard: Yard) -> None:
    wanted = set()
    for number in range(500):
        matches = number % 3 == 0 and len(wanted) < 137
        batch = yard.start(*owned(THIS if matches else OTHER, "pulumi-protect" if number % 7 == 1 else "t"), count=1)
        if matches and number % 7 != 1:
            wanted.add(batch)
    while len(wanted) < 137:
        wanted.add(yard.start(*owned(THIS)))
    with pytest.raises(TooMany, match="137 batches match, and limit is 100"):
        yard.run(select={"owner": "this"})
    assert yard.gone() == set()
    report = yard.run(select={"owner": "this"}, limit=137)
    assert yard.gone() == wanted
    assert report.totals()["cleaned_batches"] == 137
    assert report.failures == []


def test_batches_that_are_deleted_while_pages_are_read_hide_no_other(yard: Yard) -> None:
    batches = [yard.start("t", count=1) for _ in range(250)]
    doomed = batches[-60:]  # the newest: on the first page

    def delete_them(_: LoggedRequest) -> None:
        for batch in doomed:
            yard.sim.delete(batch)

    yard.sim.faults.add(Fault(method="GET", path=BATCHES, nth=2, before=delete_them))
    yard.run(select=TAGGED, limit=None)
    assert yard.there() == set()


def test_batches_that_are_started_while_pages_are_read_make_none_be_taken_twice(yard: Yard) -> None:
    batches = {yard.start("t", count=1) for _ in range(150)}
    yard.sim.faults.add(
        Fault(method="GET", path=BATCHES, nth=2, before=lambda _: [yard.start("t", count=1) for _ in range(30)])
    )
    report = yard.run(select=TAGGED, limit=None)
    acted = [one.batch_id for one in report.results]
    assert len(acted) == len(set(acted))
    assert batches <= yard.gone()


def test_a_team_that_never_stands_still_does_not_keep_it_from_ending(yard: Yard) -> None:
    batches = {yard.start("t", count=1) for _ in range(120)}

    def one_comes_and_one_goes(_: LoggedRequest) -> None:
        yard.sim.delete(yard.start("t", count=1))
        yard.start("other", count=1)

    yard.sim.faults.add(Fault(method="GET", path=BATCHES, times=None, before=one_comes_and_one_goes))
    yard.run(select=TAGGED, limit=None)
    assert batches <= yard.gone()
    assert len(yard.sim.requests_of("GET", BATCHES)) < 60


def test_faults_during_a_sweep_leave_some_and_the_same_sweep_again_takes_the_rest(yard: Yard) -> None:
    batches = {yard.start("t") for _ in range(60)}
    kept = yard.start("other")
    yard.sim.faults.chance(0.4, 7, [500, 429, "reset_before", "reset_after", "garbled"], method="DELETE")
    report = yard.run(select=TAGGED)
    assert 0 < len(report.failures) < 60
    assert {one["batch_id"] for one in report.failures} >= batches - yard.gone()
    yard.sim.faults.clear()
    again = yard.run(select=TAGGED)
    assert again.failures == []
    assert yard.gone() == batches
    assert yard.there() == {kept}
    # What was not said is not invented: the sums of both runs are at most what there was.
    assert (report.total("deleted_sessions") or 0) + (again.total("deleted_sessions") or 0) <= 120


def test_a_batch_whose_tags_cannot_be_read_is_a_failure_and_is_not_touched(yard: Yard) -> None:
    unread, other = yard.start("t"), yard.start("t")
    yard.sim.faults.add(
        Fault("status", method="GET", status=400, times=None, when=lambda one: one.query.get("batch_id") == unread)
    )
    report = yard.run(select=TAGGED)
    assert [failed["batch_id"] for failed in report.failures] == [unread]
    assert yard.gone() == {other}


def test_a_plan_calls_nothing_that_changes_and_names_what_it_would_do(yard: Yard) -> None:
    batch = yard.start(*owned(THIS, "t"), "pulumi-claim:abc", count=3)
    yard.sim.clear_requests()
    plan = yard.cleanup.plan(Request(Selection(tags=["t"]), owner=THIS), yard.heard)
    [row] = plan.to_rows()
    assert (row["batch_id"], row["action"], row["status"]) == (batch, "delete", "completed")
    assert (row["total_requests"], row["owner"], row["claim"]) == (3, THIS, "abc")
    assert yard.changing == []


def test_a_cancel_stops_what_runs_ends_what_has_completed_and_keeps_all_data(yard: Yard) -> None:
    completed, cancelled = yard.start("t", count=3), yard.start("t")
    yard.sim.settings.creation_seconds = 100
    unfinished = yard.start("t", count=4)
    yard.sim.advance(60)
    running = len(yard.sim.batches[unfinished].running())
    assert 0 < running < 4
    yard.sim.batches[cancelled].cancelled_at = yard.sim.batches[cancelled].created_at
    report = yard.run(select=TAGGED, action="cancel")
    assert yard.gone() == set()
    assert yard.sim.live_sessions(batch_id=completed) == yard.sim.live_sessions(batch_id=unfinished) == []
    assert (report.total("cancelled_sessions"), report.total("ended_sessions")) == (running, 3)
    assert [left.kind for left in report.plan.left_alone] == ["stopped"]


def test_a_batch_that_goes_between_plan_and_act_is_no_failure_and_counts_nothing(yard: Yard) -> None:
    batch, other = yard.start("t"), yard.start("t")
    plan = yard.cleanup.plan(Request(Selection(tags=["t"], owner="any")), yard.heard)
    yard.sim.delete(batch)
    report = yard.cleanup.carry_out(plan, yard.heard)
    assert {one.batch_id: one.outcome for one in report.results} == {batch: "gone", other: "done"}
    assert report.failures == []
    assert report.total("deleted_sessions") == 2


def test_sessions_that_were_counted_before_are_not_counted_again(yard: Yard) -> None:
    yard.sim.settings.creation_seconds = 100
    batch = yard.start("t", count=4)
    yard.sim.advance(60)
    first = yard.run(select=TAGGED, action="cancel")
    second = yard.run(select=TAGGED)
    assert first.total("cancelled_sessions") == len(yard.sim.batches[batch].ended)
    assert second.total("cancelled_sessions") is None
    counted = yard.receipts.counts(batch)
    assert counted.cancelled_sessions == first.total("cancelled_sessions")
    assert counted.deleted_sessions == second.total("deleted_sessions")


def test_receipts_name_the_stack_and_resource_that_cleaned_up(yard: Yard) -> None:
    batch = yard.start(*owned(OTHER, "t"))
    plan = yard.cleanup.plan(Request(Selection(tags=["t"], owner="any")), yard.heard)
    yard.cleanup.carry_out(plan, yard.heard, actor=Actor(THIS, "urn:of:the:cleanup"))
    [receipt] = yard.receipts.all()
    assert (receipt.operation, receipt.subject.batch_id, receipt.deleted_sessions) == ("delete", batch, 2)
    assert (receipt.subject.owner, receipt.subject.urn) == (THIS, "urn:of:the:cleanup")


def test_a_run_that_is_stopped_ends_what_is_under_way_and_says_what_is_left(yard: Yard) -> None:
    for _ in range(40):
        yard.start("t")
    stopped = threading.Event()
    seen: list[str] = []

    def on_result(result: object) -> None:
        seen.append(str(result))
        if len(seen) == 5:
            stopped.set()

    plan = yard.cleanup.plan(Request(Selection(tags=["t"], owner="any")), yard.heard)
    report = yard.cleanup.carry_out(plan, yard.heard, watch=Watch(on_result, stopped.is_set))
    assert set(report.left) == yard.there()
    assert 5 <= len(yard.gone()) < 15
    assert len(report.results) == 40

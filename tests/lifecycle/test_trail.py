"""Interrupted creates are settled by the state and the receipts, and nothing that a state has is ever deleted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from lifecycle.one_batch import CLAIM, OTHER_KEY, OWNER, URN, Stage, inputs

from pulumi_anchorbrowser.api import Account, ApiKeys, Client, ClientOptions
from pulumi_anchorbrowser.clock import Clock, Interrupted, SystemClock, limited_to
from pulumi_anchorbrowser.lifecycle import Batches, BatchRecord, LifecycleError, new_claim
from pulumi_anchorbrowser.lifecycle.own_state import OwnState
from pulumi_anchorbrowser.lifecycle.state import PendingCreate, StackState, StateUnreadable
from pulumi_anchorbrowser.lifecycle.tags import claim_of
from pulumi_anchorbrowser.lifecycle.trail import Trail
from pulumi_anchorbrowser.receipts import Receipts, Subject, new_run
from pulumi_anchorbrowser.simulator import Fault

THIS_RUN, EARLIER_RUN = "11111", "22222"
OTHER_URN = URN.replace("crawl", "other")


def claim(age: timedelta = timedelta(hours=2), mark: str = EARLIER_RUN) -> str:
    """The claim of a create of that age."""
    return new_claim(datetime.now(timezone.utc) - age, mark)


def pending(of: str, urn: str = URN) -> PendingCreate:
    """The entry that a killed create leaves in the state."""
    return PendingCreate(of, OWNER, urn, 5)


class Runs:
    """Runs of the engine on one machine, each with what the state says at its beginning."""

    def __init__(self, stage: Stage, place: Path) -> None:
        self.stage, self.place = stage, place

    def next(
        self, state: StackState | Exception, provider: str = "", clock: Clock | None = None, **options: Any
    ) -> Batches:
        """The batches of a run that finds this state; `provider` is one of several of the program."""

        def read(stack: str) -> StackState:
            assert stack == OWNER
            if isinstance(state, Exception):
                raise state
            return state

        receipts = Receipts(self.place)
        clock = clock or self.stage.clock
        trail = Trail(OwnState(clock, THIS_RUN, read), receipts, clock, THIS_RUN, provider)
        trail.state.begin(OWNER)
        batches = Batches(self.stage.client(**options), receipts, clock=clock, trail=trail)
        self.trail = trail
        return batches

    def left(self, of: str) -> str:
        """The id of a batch that was started under this claim, and that no run knows the end of."""
        batch = self.stage.client().create_batch(
            5, {"session": {"tags": [f"pulumi-claim:{of}", f"pulumi-owner:{OWNER}"]}}
        )
        self.stage.sim.complete(batch.value().batch_id)
        self.stage.sim.clear_requests()
        return batch.value().batch_id


@pytest.fixture
def runs(stage: Stage, tmp_path: Path) -> Runs:
    return Runs(stage, tmp_path / "receipts.sqlite3")


def live(stage: Stage) -> set[str]:
    """The batches of which a browser runs or will run."""
    return {session.batch_id for session in stage.live}


def test_a_create_deletes_what_an_interrupted_create_of_the_same_resource_left(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    made = runs.next(StackState(pending=(pending(interrupted),))).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert live(stage) == {made.batch_id} != {left}
    assert stage.sim.batches[left].deleted
    assert [one for one in stage.told.warnings if left in one and interrupted in one]
    assert [one for one in stage.told.infos if "--clear-pending-creates" in one]


@pytest.mark.parametrize("hours", [0, 2])
def test_a_pending_create_that_started_nothing_is_reported_and_may_be_cleared_after_an_hour(
    stage: Stage, runs: Runs, hours: int
) -> None:
    interrupted = claim(timedelta(hours=hours))
    runs.next(StackState(pending=(pending(interrupted),))).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    [said] = [one for one in stage.told.infos if "started no batch that can be found" in one]
    assert ("--clear-pending-creates" in said) == (hours > 0)


@pytest.mark.parametrize("status", ["cancelled", "deleted"])
def test_a_create_that_starts_nothing_deletes_what_an_interrupted_create_left(
    stage: Stage, runs: Runs, status: Any
) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    made = runs.next(StackState(pending=(pending(interrupted),))).create(
        inputs(claim=claim(mark=THIS_RUN), status=status), stage.told
    )
    assert made.batch_id is None
    assert stage.sim.batches[left].deleted


def test_a_create_leaves_what_an_interrupted_create_of_another_resource_left(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    runs.next(StackState(pending=(pending(interrupted, OTHER_URN),))).create(inputs(), stage.told)
    assert left in live(stage)


def test_an_update_deletes_what_an_interrupted_replacement_left(stage: Stage, runs: Runs) -> None:
    record = stage.start("completed")
    interrupted = claim()
    left = runs.left(interrupted)
    state = StackState(frozenset([record.known_id]), frozenset([CLAIM]), pending=(pending(interrupted),))
    batches = runs.next(state)
    batches.update(record, inputs(on_destroy="cancel"), stage.told)
    assert live(stage) == {record.batch_id} != {left}


def test_the_first_delete_of_a_run_settles_every_interrupted_create_of_the_stack(stage: Stage, runs: Runs) -> None:
    record = stage.start("completed")
    claims = [claim(), claim()]
    lefts = {runs.left(one) for one in claims}
    batches = runs.next(StackState(pending=(pending(claims[0]), pending(claims[1], OTHER_URN))))
    batches.delete(record, stage.told)
    assert live(stage) == set()
    assert all(stage.sim.batches[one].deleted for one in lefts)


@pytest.mark.parametrize("knows", ["claim", "batch_id"])
def test_nothing_that_the_state_has_is_deleted(stage: Stage, runs: Runs, knows: str) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    state = StackState(pending=(pending(interrupted),))
    state = (
        replace(state, claims=frozenset([interrupted]))
        if knows == "claim"
        else replace(state, batch_ids=frozenset([left]))
    )
    runs.next(state).delete(stage.start("completed"), stage.told)
    assert live(stage) == {left}


def test_a_create_that_this_run_has_under_way_is_no_interrupted_one(stage: Stage, runs: Runs) -> None:
    own = claim(timedelta(0), THIS_RUN)
    left = runs.left(own)
    runs.next(StackState(pending=(pending(own),))).delete(stage.start("completed"), stage.told)
    assert live(stage) == {left}


@pytest.mark.parametrize(
    ("age", "sender", "is_interrupted"),
    [
        pytest.param(timedelta(0), new_run(), False, id="its process runs"),
        pytest.param(timedelta(0), "1fffffff-1-ab", True, id="its process has ended"),
        pytest.param(timedelta(minutes=50), None, False, id="nothing says who made it"),
        pytest.param(timedelta(minutes=70), None, True, id="no create takes so long"),
    ],
)
def test_a_create_of_an_earlier_run_at_the_same_address_is_an_interrupted_one(
    stage: Stage, runs: Runs, age: timedelta, sender: str | None, is_interrupted: bool
) -> None:
    same_mark = claim(age, THIS_RUN)
    left = runs.left(same_mark)
    if sender is not None:
        earlier = Receipts(runs.place, sender)
        receipt = earlier.begin("create", Subject(OWNER, URN, same_mark, "", count=5))
        earlier.end(receipt, "done", batch_id=left)
    runs.next(StackState(pending=(pending(same_mark),))).delete(stage.start("completed"), stage.told)
    assert live(stage) == (set() if is_interrupted else {left})


def test_a_batch_that_neither_the_state_nor_a_receipt_names_is_left_running(stage: Stage, runs: Runs) -> None:
    left = runs.left(claim())
    runs.next(StackState()).delete(stage.start("completed"), stage.told)
    assert live(stage) == {left}


@pytest.mark.parametrize("outcome", [None, "unknown"])
def test_a_create_without_a_known_end_in_the_receipts_is_settled_as_well(
    stage: Stage, runs: Runs, outcome: Any
) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    earlier = Receipts(runs.place)
    receipt = earlier.begin("create", Subject(OWNER, URN, interrupted, "", count=5))
    if outcome is not None:
        earlier.end(receipt, outcome, was_lost=True)
    made = runs.next(StackState()).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert live(stage) == {made.batch_id} != {left}
    assert [one.outcome for one in earlier.all() if one.id == receipt] == ["settled"]


def test_a_receipt_without_an_end_is_closed_once_the_state_has_its_batch(stage: Stage, runs: Runs) -> None:
    """So that the batch is not deleted when it has been moved to another stack since."""
    interrupted = claim()
    kept = runs.left(interrupted)
    earlier = Receipts(runs.place)
    earlier.begin("create", Subject(OWNER, URN, interrupted, "", count=5))
    runs.next(StackState(frozenset([kept]), frozenset([interrupted])))
    runs.trail.announce(OWNER, stage.told)
    assert stage.told.warnings == []
    assert [one.outcome for one in earlier.all()] == ["done"]
    runs.next(StackState()).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert kept in live(stage)


def test_clearing_the_pending_creates_is_advised_only_where_the_state_has_one(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    runs.left(interrupted)
    Receipts(runs.place).begin("create", Subject(OWNER, URN, interrupted, "", count=5))
    runs.next(StackState()).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert [one for one in stage.told.infos if "is settled" in one and "--clear-pending-creates" not in one]


def test_a_create_is_refused_where_the_search_for_a_leftover_fails(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    stage.sim.faults.add(Fault("status", status=503, method="GET", times=None))
    with pytest.raises(LifecycleError, match=f"Started nothing.*{interrupted}.*HTTP 503"):
        runs.next(StackState(pending=(pending(interrupted),))).create(inputs(), stage.told)
    assert live(stage) == {left}


def test_a_delete_goes_on_with_a_warning_where_the_search_for_a_leftover_fails(stage: Stage, runs: Runs) -> None:
    record, interrupted = stage.start("completed"), claim()
    left = runs.left(interrupted)
    stage.sim.faults.add(Fault("status", status=503, method="GET", path="/v1/sessions/*", times=1))
    runs.next(StackState(pending=(pending(interrupted),))).delete(record, stage.told)
    assert live(stage) == {left}
    assert [one for one in stage.told.warnings if interrupted in one and "orphans --delete" in one]


def test_the_sessions_of_a_leftover_that_cannot_be_deleted_are_ended(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    stage.sim.faults.add(Fault("status", status=403, method="DELETE", path=f"/v1/batch-sessions/{left}", times=None))
    made = runs.next(StackState(pending=(pending(interrupted),))).create(inputs(), stage.told)
    assert live(stage) == {made.batch_id}


def test_a_leftover_that_cannot_be_stopped_is_a_warning_with_the_command(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    stage.sim.faults.add(Fault("status", status=403, method="DELETE", times=None))
    runs.next(StackState(pending=(pending(interrupted),))).create(inputs(), stage.told)
    assert left in live(stage)
    assert [one for one in stage.told.warnings if f"pulumi-anchorbrowser delete {left}" in one]


def test_without_a_readable_state_nothing_is_deleted_and_one_warning_names_the_command(
    stage: Stage, runs: Runs
) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    Receipts(runs.place).begin("create", Subject(OWNER, URN, interrupted, "", count=5))
    batches = runs.next(StateUnreadable("Could not run the Pulumi CLI to read the state"))
    for number in range(3):
        batches.create(inputs(claim=f"claim-{number}"), stage.told)
    assert left in live(stage)
    assert [one for one in stage.told.warnings if "Could not run the Pulumi CLI" in one and "orphans" in one]
    assert len(stage.told.warnings) == 1


def looked_for_with_patience(stage: Stage, runs: Runs, interrupted: str) -> None:
    """The sessions of this create are visible only after a while, and its batch is found and deleted all the same."""
    stage.clock.on_sleep = stage.sim.advance
    stage.sim.settings.sessions_listed_after = 20
    left = runs.left(interrupted)
    runs.next(StackState(pending=(pending(interrupted),))).create(inputs(count=3), stage.told)
    assert left not in live(stage)
    assert sum(stage.clock.slept) >= 15


def test_a_young_create_is_looked_for_until_its_sessions_can_be_seen(stage: Stage, runs: Runs) -> None:
    looked_for_with_patience(stage, runs, claim(timedelta(seconds=1)))


def test_a_create_that_is_young_by_the_apis_clock_alone_is_looked_for_with_patience(stage: Stage, runs: Runs) -> None:
    """This machine's clock is hours ahead of the one that minted the claim, and of the API's."""
    stage.sim.settings.clock_offset_seconds = -3 * 3600
    looked_for_with_patience(stage, runs, claim(timedelta(hours=2)))


def test_an_old_create_is_looked_for_once(stage: Stage, runs: Runs) -> None:
    runs.next(StackState(pending=(pending(claim(timedelta(hours=2))),))).create(inputs(), stage.told)
    assert stage.clock.slept == []
    assert stage.looks == 1


def test_many_threads_settle_an_interrupted_create_once(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    records = [stage.start("completed", claim=claim(mark=EARLIER_RUN)) for _ in range(6)]
    batches = runs.next(StackState(pending=(pending(interrupted),)))
    delete: Callable[[BatchRecord], BatchRecord] = lambda one: batches.delete(one, stage.told)  # noqa: E731
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(delete, records))
    assert live(stage) == set()
    assert len(stage.sim.requests_of("DELETE", f"/v1/batch-sessions/{left}")) == 1


@pytest.mark.parametrize("ends_by", ["time limit", "Cancel"])
def test_a_thread_that_waits_for_the_search_of_another_one_can_be_interrupted(
    stage: Stage, runs: Runs, ends_by: str
) -> None:
    interrupted = claim()
    runs.left(interrupted)
    first, second = (stage.start("completed", claim=claim(mark=EARLIER_RUN)) for _ in range(2))
    clock = SystemClock()
    batches = runs.next(StackState(pending=(pending(interrupted),)), clock=clock)
    searching, over, waited_in_vain = Event(), Event(), Event()

    def hold(_: object) -> None:
        searching.set()
        if not over.wait(5):
            waited_in_vain.set()

    stage.sim.faults.add(Fault(method="GET", before=hold))
    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(batches.delete, first, stage.told)
        assert searching.wait(30)
        if ends_by == "Cancel":
            clock.interrupt()
        with pytest.raises(Interrupted), limited_to(0.2 if ends_by == "time limit" else 0.0):
            batches.delete(second, stage.told)
        assert not waited_in_vain.is_set()
        over.set()
        holder.exception(30)


def test_the_interrupted_creates_of_a_stack_are_announced_once_in_a_run(stage: Stage, runs: Runs) -> None:
    runs.next(StackState(pending=(pending(claim()), pending(claim(), OTHER_URN))))
    for _ in range(2):
        runs.trail.announce(OWNER, stage.told)
    [warning] = stage.told.warnings
    assert "2 creates" in warning
    assert "crawl, other" in warning


def test_a_create_warns_of_live_batches_with_the_stacks_tag_that_its_state_does_not_have(
    stage: Stage, runs: Runs
) -> None:
    known = stage.start("completed")
    stranger = runs.left(claim())
    stage.told.__init__()  # type: ignore[misc]
    batches = runs.next(StackState(frozenset([known.known_id]), frozenset([CLAIM])))
    for number in range(2):
        batches.create(inputs(claim=claim(mark=THIS_RUN), count=number + 1), stage.told)
    assert len([one for one in stage.told.warnings if "found 1 running batch with this stack's owner tag" in one]) == 1
    assert stranger in live(stage)


def test_no_warning_of_strangers_is_about_a_create_that_the_run_knows_of(stage: Stage, runs: Runs) -> None:
    own, by_receipt, unknown = stage.start("completed"), claim(), claim()
    for of in (by_receipt, unknown):
        runs.left(of)
    earlier = Receipts(runs.place)
    subject = Subject(owner=OWNER, urn=OTHER_URN, claim=by_receipt, account="", count=5)
    earlier.end(earlier.begin("create", subject), "unknown")
    stage.told.__init__()  # type: ignore[misc]
    state = StackState(frozenset([own.known_id]), frozenset([CLAIM]), unknown_claims=frozenset([unknown]))
    runs.next(state).create(inputs(claim=claim(mark=THIS_RUN), count=1), stage.told)
    assert [one for one in stage.told.warnings if "owner tag" in one] == []


def test_a_fresh_stack_costs_no_request_beside_its_creates(stage: Stage, runs: Runs) -> None:
    batches = runs.next(StackState())
    for number in range(3):
        batches.create(inputs(claim=claim(mark=THIS_RUN), count=number + 1), stage.told)
    assert stage.asked == ["POST batch"] * 3
    assert stage.looks == 0


def test_the_leftover_is_told_from_batches_of_other_claims(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    other, left = runs.left(claim()), runs.left(interrupted)
    runs.next(StackState(pending=(pending(interrupted),))).create(inputs(), stage.told)
    assert other in live(stage)
    assert left not in live(stage)
    assert claim_of(stage.sim.batches[other].tags) != interrupted


@pytest.mark.parametrize(
    ("own", "of_the_create", "is_named"),
    [("ours", "theirs", True), ("default", "theirs", True), ("ours", "ours", False), ("", "theirs", False)],
)
def test_a_delete_names_an_interrupted_create_of_another_provider_that_is_not_found(
    stage: Stage, runs: Runs, own: str, of_the_create: str, is_named: bool
) -> None:
    record = stage.start("completed")
    of_another = PendingCreate(claim(), OWNER, OTHER_URN, 5, of_the_create)
    runs.next(StackState(pending=(of_another,)), provider=own).delete(record, stage.told)
    named = [line for line in stage.told.warnings if "used another provider" in line and of_another.claim in line]
    assert len(named) == is_named


@pytest.mark.parametrize(
    ("name", "provider"), [("theirs", "theirs"), ("default", "default"), ("default_0_1_0", "default")]
)
def test_a_pending_create_names_its_provider(name: str, provider: str) -> None:
    reference = f"urn:pulumi:dev::shop::pulumi:providers:anchorbrowser::{name}::04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    resource = {"urn": URN, "inputs": {"claim": claim(), "owner": OWNER, "count": 5}, "provider": reference}
    operations = [{"type": "creating", "resource": resource}]
    [found] = StackState.of({"deployment": {"pending_operations": operations}}).pending
    assert found.provider == provider


# An interrupted create that left sessions, and whose batch the API does not list


def hidden_from_lists(stage: Stage, left: str) -> None:
    """Take the batch out of every list from now on, and show its sessions as before."""

    def hide(body: Any) -> None:
        batches = body["data"]["batches"]
        body["data"]["batches"] = [one for one in batches if one["batch_id"] != left]

    stage.sim.faults.add(Fault("edited", path="/v1/batch-sessions", method="GET", edit=hide, times=None))


def test_sessions_whose_batch_is_not_listed_are_ended_and_the_next_run_looks_again(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    hidden_from_lists(stage, left)
    state = StackState(pending=(pending(interrupted),))
    made = runs.next(state).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert live(stage) == {made.batch_id} != {left}
    assert [one for one in stage.told.warnings if interrupted in one and "ended 5 sessions" in one]
    assert not [one for one in stage.told.infos if "--clear-pending-creates" in one]
    stage.sim.faults.clear()
    runs.next(state).delete(made, stage.told)
    assert stage.sim.batches[left].deleted


def test_sessions_that_outlive_their_deleted_batch_are_ended_by_the_next_run(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    stage.clock.on_sleep = stage.sim.advance
    stage.sim.settings.surviving_sessions, stage.sim.settings.survive = 2, ("delete", "end")
    state = StackState(pending=(pending(interrupted),))
    runs.next(state).create(inputs(claim=claim(mark=THIS_RUN), count=1), stage.told)
    assert left in live(stage)
    assert [one for one in stage.told.warnings if left in one and "2 sessions as running" in one]
    stage.sim.settings.surviving_sessions = 0
    runs.next(state).create(inputs(claim=claim(mark=THIS_RUN), count=1), stage.told)
    assert left not in live(stage)


def test_a_create_is_refused_while_sessions_of_an_unlisted_batch_keep_running(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    hidden_from_lists(stage, left)
    stage.clock.on_sleep = stage.sim.advance
    stage.sim.settings.surviving_sessions, stage.sim.settings.survive = 2, ("end",)
    state = StackState(pending=(pending(interrupted),))
    with pytest.raises(LifecycleError, match=r"Started nothing.*2 sessions as running.*sweep .*pulumi-claim:"):
        runs.next(state).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert live(stage) == {left}


def test_sessions_of_an_unlisted_batch_that_the_state_adopts_are_left_running(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    adopted = runs.left(interrupted)
    hidden_from_lists(stage, adopted)
    state = StackState(frozenset([adopted, "some-other-id"]), pending=(pending(interrupted),))
    made = runs.next(state).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert live(stage) == {adopted, made.batch_id}
    assert sum(session.batch_id == adopted for session in stage.live) == 5


def test_the_batch_of_a_create_is_found_behind_many_newer_ones_of_its_size(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    stage.sim.advance(3600)
    for _ in range(510):
        stage.client().create_batch(5)
    stage.sim.clear_requests()
    runs.next(StackState(pending=(pending(interrupted),))).delete(stage.start("completed"), stage.told)
    assert stage.sim.batches[left].deleted


# What the receipts say of a deletion


@pytest.mark.parametrize("seen", ["confirmed", "killed before the look", "still running", "gone and killed"])
def test_a_deletion_settles_a_create_only_once_it_is_confirmed(stage: Stage, runs: Runs, seen: str) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    earlier, subject = Receipts(runs.place), Subject(OWNER, URN, interrupted, "", left)
    outcome: Any = "gone" if seen == "gone and killed" else "done"
    earlier.end(earlier.begin("delete", subject), outcome, **({"still_running": 0} if seen == "confirmed" else {}))
    if seen == "still running":
        earlier.end(earlier.begin("end_sessions", subject), "done", still_running=2)
    runs.next(StackState(pending=(pending(interrupted),))).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert (left in live(stage)) == (seen == "confirmed")


def test_an_unconfirmed_deletion_of_a_leftover_is_looked_at_again_by_the_next_run(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    runs.left(interrupted)
    receipts = Receipts(runs.place)
    create = receipts.begin("create", Subject(OWNER, URN, interrupted, "", count=5))
    stage.sim.faults.add(
        Fault("status", status=503, path="/v1/sessions/all/status", when=lambda one: "batch_id" in one.query, nth=2)
    )
    state = StackState(pending=(pending(interrupted),))
    runs.next(state).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert [one for one in stage.told.warnings if "could not confirm" in one]
    assert [one.outcome for one in receipts.all() if one.id == create] == [None]
    runs.next(state).delete(stage.start("completed"), stage.told)
    assert [one.outcome for one in receipts.all() if one.id == create] == ["settled"]


@pytest.mark.parametrize("outcome", [None, "unknown"])
def test_a_create_of_a_process_that_runs_may_be_in_flight_whatever_its_outcome(
    stage: Stage, runs: Runs, outcome: Any
) -> None:
    in_flight = claim(timedelta(seconds=30))
    left = runs.left(in_flight)
    other = Receipts(runs.place, new_run())
    receipt = other.begin("create", Subject(OWNER, URN, in_flight, "", count=5))
    if outcome is not None:
        other.end(receipt, outcome, was_lost=True)
    runs.next(StackState()).delete(stage.start("completed"), stage.told)
    assert live(stage) == {left}


# An adoption in another process of the run


@pytest.mark.parametrize("mark", [THIS_RUN, EARLIER_RUN])
@pytest.mark.parametrize("at_delete", [True, False])
def test_a_batch_that_another_process_of_the_run_has_adopted_is_left_running(
    stage: Stage, runs: Runs, mark: str, at_delete: bool
) -> None:
    record = stage.start("completed")
    begun = StackState(frozenset([record.known_id]), frozenset([CLAIM]))
    adopted = replace(begun, adoptions=frozenset([(record.known_id, claim(mark=mark))]))
    states = [adopted] if at_delete else [begun, adopted]
    receipts = Receipts(runs.place)
    trail = Trail(OwnState(stage.clock, THIS_RUN, lambda _: states.pop(0)), receipts, stage.clock, THIS_RUN)
    trail.state.begin(OWNER, at_delete=at_delete)
    batches = Batches(stage.client(), receipts, clock=stage.clock, trail=trail)
    batches.delete(record, stage.told)
    assert live(stage) == ({record.known_id} if mark == THIS_RUN else set())
    assert len([one for one in stage.told.warnings if "left batch" in one]) == (mark == THIS_RUN)
    assert states == []


def test_a_leftover_that_another_process_of_the_run_has_adopted_since_is_not_deleted(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    begun = StackState(pending=(pending(interrupted),))
    states = [begun, replace(begun, batch_ids=frozenset([left]))]
    receipts = Receipts(runs.place)
    trail = Trail(OwnState(stage.clock, THIS_RUN, lambda _: states.pop(0)), receipts, stage.clock, THIS_RUN)
    trail.state.begin(OWNER)
    batches = Batches(stage.client(), receipts, clock=stage.clock, trail=trail)
    made = batches.create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert live(stage) == {left, made.batch_id}


# A create of unknown outcome that the state has, as the plugin keeps it


def of_unknown_outcome(stage: Stage, runs: Runs) -> BatchRecord:
    """The record of a create whose response was lost, and whose batch runs."""
    started = claim(timedelta(hours=2))
    runs.left(started)
    account = str(stage.client().account())
    return BatchRecord.of(inputs(claim=started), live_status="unknown", account=account)


@pytest.mark.parametrize("how", ["here", "in the state", "not at all"])
@pytest.mark.parametrize("is_listed", [True, False])
def test_what_a_create_of_unknown_outcome_started_is_deleted_unless_a_resource_has_adopted_it(
    stage: Stage, runs: Runs, how: str, is_listed: bool
) -> None:
    unknown = of_unknown_outcome(stage, runs)
    [batch_id] = live(stage)
    if not is_listed:
        hidden_from_lists(stage, batch_id)
    adopted = StackState(frozenset([batch_id]), frozenset([CLAIM]))
    batches = runs.next(adopted if how == "in the state" else StackState())
    if how == "here":
        runs.trail.spare(batch_id)
        batches.create(inputs(batch_id=batch_id, claim=claim(mark=THIS_RUN)), stage.told)
    batches.delete(unknown, stage.told)
    assert live(stage) == (set() if how == "not at all" else {batch_id})
    named = [one for one in stage.told.warnings if "another resource has adopted it" in one]
    assert len(named) == (how != "not at all")


def test_what_a_create_of_unknown_outcome_started_stays_with_it_until_its_adoption_has_succeeded(
    stage: Stage, runs: Runs
) -> None:
    unknown = of_unknown_outcome(stage, runs)
    [batch_id] = live(stage)
    batches = runs.next(StackState())
    runs.trail.spare(batch_id)  # Another resource of the program is about to adopt it.
    with pytest.raises(LifecycleError, match=f"Left batch {batch_id} running, and this resource in the state"):
        batches.delete(unknown, stage.told)
    assert live(stage) == {batch_id}
    batches.create(inputs(batch_id=batch_id, claim=claim(mark=THIS_RUN)), stage.told)
    batches.delete(unknown, stage.told)
    assert live(stage) == {batch_id}


def test_a_pending_adoption_of_an_earlier_run_keeps_no_batch(stage: Stage, runs: Runs) -> None:
    unknown = of_unknown_outcome(stage, runs)
    [batch_id] = live(stage)
    state = StackState(frozenset([batch_id]), pending_ids=frozenset([batch_id]))
    runs.next(state).delete(unknown, stage.told)
    assert live(stage) == set()


def test_a_leftover_that_a_resource_has_adopted_is_looked_for_no_more(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    earlier = Receipts(runs.place)
    earlier.end(earlier.begin("create", Subject(OWNER, URN, interrupted, "", count=5)), "unknown")
    state = StackState(frozenset([left]), frozenset([CLAIM]))
    runs.next(state).create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert left in live(stage)
    runs.next(state)
    stage.told.__init__()  # type: ignore[misc]
    runs.trail.announce(OWNER, stage.told)
    assert stage.told.warnings == []


def test_a_leftover_is_not_deleted_where_the_state_cannot_be_read_again(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    states: list[StackState | StateUnreadable] = [StackState(pending=(pending(interrupted),))]

    def reading(_: str) -> StackState:
        if not states:
            raise StateUnreadable("no CLI")
        state = states.pop(0)
        assert isinstance(state, StackState)
        return state

    receipts = Receipts(runs.place)
    trail = Trail(OwnState(stage.clock, THIS_RUN, reading), receipts, stage.clock, THIS_RUN)
    trail.state.begin(OWNER)
    batches = Batches(stage.client(), receipts, clock=stage.clock, trail=trail)
    with pytest.raises(LifecycleError, match="looking for its batch failed: no CLI"):
        batches.create(inputs(claim=claim(mark=THIS_RUN)), stage.told)
    assert live(stage) == {left}


def under_another_teams_key(stage: Stage, runs: Runs, state: StackState) -> Batches:
    """A run whose key the API refuses, beside the key of another team."""
    receipts = Receipts(runs.place)
    trail = Trail(OwnState(stage.clock, THIS_RUN, lambda _: state), receipts, stage.clock, THIS_RUN)
    trail.state.begin(OWNER)
    client = Client(stage.sim.url, ApiKeys("refused", OTHER_KEY), ClientOptions(max_retries=0))
    return Batches(client, receipts, clock=stage.clock, trail=trail)


def test_a_create_of_unknown_outcome_is_kept_where_another_teams_key_finds_no_batch(stage: Stage, runs: Runs) -> None:
    unknown = of_unknown_outcome(stage, runs)
    refused = str(Account.of(stage.sim.url, "refused"))
    batches = under_another_teams_key(stage, runs, StackState())
    with pytest.raises(LifecycleError, match="the key or the address is not the one that sent it"):
        batches.delete(unknown.but(account=refused), stage.told)
    assert len(live(stage)) == 1


def test_another_teams_key_does_not_settle_a_pending_create(stage: Stage, runs: Runs) -> None:
    interrupted = claim()
    left = runs.left(interrupted)
    record = stage.start("completed", claim=claim(mark=EARLIER_RUN))
    batches = under_another_teams_key(stage, runs, StackState(pending=(pending(interrupted),)))
    with pytest.raises(LifecycleError):
        batches.delete(record, stage.told)
    [said] = [one for one in stage.told.infos if "started no batch that can be found" in one]
    assert said.endswith("the next run looks for it again")
    assert left in live(stage)


def test_sessions_that_a_create_of_unknown_outcome_left_are_named_where_their_batch_is_not_listed(
    stage: Stage, runs: Runs
) -> None:
    unknown = of_unknown_outcome(stage, runs)
    [batch_id] = live(stage)
    hidden_from_lists(stage, batch_id)
    runs.next(StackState()).delete(unknown, stage.told)
    assert live(stage) == set()
    assert [one for one in stage.told.warnings if "found no batch" in one and "`pulumi-anchorbrowser orphans`" in one]


def test_the_deletes_of_a_run_read_the_state_once_more_at_most(stage: Stage, runs: Runs) -> None:
    records = [stage.start("completed", claim=claim(mark=EARLIER_RUN)) for _ in range(3)]
    read: list[str] = []

    def reading(stack: str) -> StackState:
        read.append(stack)
        return StackState()

    receipts = Receipts(runs.place)
    trail = Trail(OwnState(stage.clock, THIS_RUN, reading), receipts, stage.clock, THIS_RUN)
    trail.state.begin(OWNER)
    batches = Batches(stage.client(), receipts, clock=stage.clock, trail=trail)
    for record in records:
        batches.delete(record, stage.told)
    assert read == [OWNER] * 2


def test_the_state_names_what_its_resources_start_and_what_they_adopt() -> None:
    own = {"urn": URN, "id": "a", "inputs": {"claim": "one", "owner": OWNER, "count": 5}, "outputs": {"batch_id": "a"}}
    adopting = {"urn": OTHER_URN, "id": "b", "inputs": {"claim": "two", "owner": OWNER, "batchId": "b"}}
    about_to = {"urn": OTHER_URN, "inputs": {"claim": "three", "owner": OWNER, "batch_id": "c"}}
    ready = {"urn": OTHER_URN, "id": "r", "inputs": {"batch_id": "a"}}
    operations = [{"type": "creating", "resource": about_to}]
    stopped = {"urn": URN, "id": "d", "inputs": {"claim": "four", "owner": OWNER}, "outputs": {"adopted": True}}
    resources = [own, adopting, ready, stopped]
    state = StackState.of({"deployment": {"resources": resources, "pending_operations": operations}})
    assert state.started_ids == {"a"}
    assert (state.saved_ids & {"a", "b", "c", "d"}, state.pending_ids) == ({"a", "b", "d"}, {"c"})
    assert state.adoptions == {("b", "two"), ("c", "three")}


def test_a_run_that_is_interrupted_while_the_state_is_read_does_not_wait_for_it() -> None:
    clock, is_over = SystemClock(), Event()

    def reading(_: str) -> StackState:
        is_over.wait(60)
        return StackState()

    state = OwnState(clock, THIS_RUN, reading)
    state.begin(OWNER)
    clock.interrupt()
    with pytest.raises(Interrupted):
        state.get()
    is_over.set()

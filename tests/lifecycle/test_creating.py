"""Creating: starting a batch once and only once, recording one that is not to run, adopting one that exists."""

from __future__ import annotations

import pytest
from lifecycle.one_batch import BATCHES, CLAIM, ID, OWNER, Phase, Stage, inputs

from pulumi_anchorbrowser.api import Account, ApiError, BadRequest, Forbidden, InvalidApiKey, PaymentRequired
from pulumi_anchorbrowser.lifecycle import BatchRecord, LifecycleError
from pulumi_anchorbrowser.simulator import Fault


def test_a_create_returns_as_soon_as_the_api_has_taken_the_batch(stage: Stage) -> None:
    record = stage.batches.create(inputs(metadata={"run": 1}), stage.told)
    assert list(stage.sim.batches) == [record.id]
    (request,) = stage.sim.requests
    assert (request.method, request.path) == ("POST", BATCHES)
    assert request.body == {
        "count": 5,
        "metadata": {"run": 1},
        "configuration": {"session": {"tags": ["pulumi", f"pulumi-owner:{OWNER}", f"pulumi-claim:{CLAIM}"]}},
    }
    assert stage.clock.slept == []
    assert (record.live_status, record.total_requests, record.adopted) == ("pending", 5, False)
    assert record.created_at
    assert Account.parse(record.account).is_opened_by(stage.sim.url, "key-of-team-a")
    assert stage.told.infos
    assert record.id in stage.told.infos[0]
    assert stage.told.warnings == []


def test_a_count_is_none_until_the_api_has_said_it(stage: Stage) -> None:
    record = stage.batches.create(inputs(), stage.told)
    for name in ("cancelled_sessions", "ended_sessions", "deleted_sessions", "failed_deletions", "completed_requests"):
        assert getattr(record, name) is None


def test_what_the_user_gave_is_recorded_without_the_marks(stage: Stage) -> None:
    configuration = {"session": {"tags": ["mine"]}}
    record = stage.batches.create(inputs(configuration=configuration), stage.told)
    assert record.configuration == configuration
    assert "mine" in stage.sim.batches[record.id].tags


@pytest.mark.parametrize(
    ("status", "error"), [(400, BadRequest), (401, InvalidApiKey), (402, PaymentRequired), (403, Forbidden)]
)
def test_a_refused_create_has_made_nothing_and_says_why(stage: Stage, status: int, error: type[ApiError]) -> None:
    stage.sim.faults.add(Fault("status", status=status))
    with pytest.raises(error, match=f"HTTP {status}"):
        stage.batches.create(inputs(), stage.told)
    assert stage.asked == ["POST batch"]
    assert stage.sim.batches == {}


def test_a_create_that_is_asked_to_wait_is_made_once(stage: Stage) -> None:
    stage.sim.faults.add(Fault("status", status=429))
    record = stage.later_run(max_retries=2).create(inputs(), stage.told)
    assert stage.asked == ["POST batch"] * 2
    assert list(stage.sim.batches) == [record.id]


@pytest.mark.parametrize("status", [404, 503])
@pytest.mark.parametrize("times", [1, None])
def test_a_lost_create_whose_batch_is_found_is_created_also_where_the_batch_cannot_be_read(
    stage: Stage, status: int, times: int | None
) -> None:
    stage.sim.settings.creation_seconds = 0
    stage.sim.faults.add(Fault("reset_after", method="POST"))
    reads = {"method": "GET", "path": "/v1/batch-sessions/*", "times": times}
    stage.sim.faults.add(Fault("status", status=status, **reads))
    record = stage.batches.create(inputs(), stage.told)
    assert list(stage.sim.batches) == [record.batch_id]
    assert (record.live_status, record.total_requests) == (("pending", None) if times is None else ("completed", 5))
    assert sum(stage.clock.slept) <= 60


def test_a_lost_create_that_is_not_found_says_how_long_it_was_looked_for(stage: Stage) -> None:
    stage.sim.settings.creation_seconds = 0
    stage.sim.settings.batches_listed_after = 10_000
    stage.sim.faults.add(Fault("reset_after", method="POST"))
    with pytest.raises(LifecycleError, match="for 600 s and found 5 sessions that run, but not their batch"):
        stage.batches.create(inputs(), stage.told)
    assert sum(stage.clock.slept) == pytest.approx(600)


LOST = [
    Fault("reset_after"),
    Fault("reset_mid_body"),
    Fault("status", status=503, handled=True),
    Fault("garbled"),
    Fault("truncated"),
    Fault("html"),
]


@pytest.mark.parametrize("lost", LOST, ids=lambda fault: fault.name)
def test_a_create_whose_answer_was_lost_is_found_by_its_claim_and_not_repeated(stage: Stage, lost: Fault) -> None:
    stage.sim.settings.creation_seconds = 0
    stage.sim.faults.add(Fault(lost.kind, method="POST", status=lost.status, handled=lost.handled))
    record = stage.later_run(max_retries=3).create(inputs(), stage.told)
    assert [one for one in stage.asked if one.startswith("POST")] == ["POST batch"]
    assert list(stage.sim.batches) == [record.id]
    assert (record.claim, record.count, record.adopted) == (CLAIM, 5, False)
    assert stage.told.warnings


@pytest.mark.parametrize(
    "never", [Fault("reset_before"), Fault("status", status=503), Fault("status", status=500)], ids=lambda f: f.name
)
def test_a_create_that_may_or_may_not_have_been_made_is_an_error_and_not_repeated(stage: Stage, never: Fault) -> None:
    others = stage.foreign("completed")
    stage.sim.faults.add(Fault(never.kind, method="POST", status=never.status))
    with pytest.raises(LifecycleError):
        stage.later_run(max_retries=3).create(inputs(), stage.told)
    assert [one for one in stage.asked if one.startswith("POST")] == ["POST batch"]
    assert list(stage.sim.batches) == [others]
    assert sum(stage.clock.slept) < 600


@pytest.mark.parametrize("status", ["cancelled", "deleted"])
def test_nothing_is_started_only_to_be_stopped(stage: Stage, status: str) -> None:
    record = stage.batches.create(inputs(status=status), stage.told)
    assert stage.sim.requests == []
    assert (record.live_status, record.batch_id, record.total_requests) == ("deleted", None, None)
    assert record.cancelled_sessions is None
    assert len(stage.told.warnings) == 1
    stage.batches.delete(record, stage.told)
    assert stage.batches.read(record, stage.told) == record
    assert stage.sim.requests == []


def test_an_adopted_batch_is_looked_at_and_left_as_it_is(stage: Stage) -> None:
    batch_id = stage.foreign("completed")
    record = stage.batches.create(inputs(batch_id=batch_id), stage.told)
    assert stage.asked == ["GET batch"]
    assert (record.id, record.adopted, record.live_status, record.completed_requests) == (
        batch_id,
        True,
        "completed",
        5,
    )
    assert len(stage.live) == 5


def test_an_adopted_batch_is_known_by_its_id_however_that_is_written(stage: Stage) -> None:
    batch_id = stage.foreign()
    assert stage.batches.create(inputs(batch_id=batch_id.upper()), stage.told).id == batch_id


@pytest.mark.parametrize("phase", ["pending", "processing"])
def test_a_batch_adopted_as_cancelled_is_cancelled_at_once(stage: Stage, phase: Phase) -> None:
    batch_id = stage.foreign(phase)
    running = sum(session.running for session in stage.live)
    record = stage.batches.create(inputs(batch_id=batch_id, status="cancelled"), stage.told)
    assert stage.asked == ["GET batch", "PATCH batch"]
    assert (record.live_status, record.cancelled_sessions) == ("cancelled", running)
    assert stage.nothing_runs_ever()


def test_a_batch_adopted_as_deleted_is_deleted_at_once(stage: Stage) -> None:
    batch_id = stage.foreign("completed")
    record = stage.batches.create(inputs(batch_id=batch_id, status="deleted"), stage.told)
    assert stage.asked == ["GET batch", "DELETE batch"]
    assert (record.live_status, record.deleted_sessions) == ("deleted", 5)
    assert stage.nothing_runs_ever()


def test_a_completed_batch_adopted_as_cancelled_is_ended(stage: Stage) -> None:
    batch_id = stage.foreign("completed")
    record = stage.batches.create(inputs(batch_id=batch_id, status="cancelled"), stage.told)
    assert record.ended_sessions == 5
    assert stage.nothing_runs_ever()


@pytest.mark.parametrize("status", ["active", "cancelled", "deleted"])
def test_a_batch_that_is_not_there_cannot_be_adopted(stage: Stage, status: str) -> None:
    with pytest.raises(LifecycleError, match=f"Could not adopt batch {ID}: the API does not know it"):
        stage.batches.create(inputs(batch_id=ID, status=status), stage.told)
    assert stage.asked == ["GET batch"] * 2


def test_a_batch_of_which_nothing_is_left_cannot_be_adopted(stage: Stage) -> None:
    stage.sim.settings.get_after_delete = "empty"
    batch_id = stage.foreign()
    stage.sim.delete(batch_id)
    with pytest.raises(LifecycleError, match="it was deleted"):
        stage.batches.create(inputs(batch_id=batch_id), stage.told)


def test_a_cancelled_batch_cannot_be_adopted_as_active(stage: Stage) -> None:
    batch_id = stage.foreign("cancelled")
    with pytest.raises(LifecycleError, match="already cancelled"):
        stage.batches.create(inputs(batch_id=batch_id), stage.told)
    assert stage.asked == ["GET batch"]


def test_an_already_cancelled_batch_can_be_adopted_as_cancelled(stage: Stage) -> None:
    batch_id = stage.foreign("cancelled")
    record = stage.batches.create(inputs(batch_id=batch_id, status="cancelled"), stage.told)
    assert (record.live_status, record.cancelled_sessions) == ("cancelled", None)
    assert stage.told.warnings


def test_what_was_adopted_in_a_run_is_not_deleted_by_its_former_owner_in_the_same_run(stage: Stage) -> None:
    """A rename, or a --replace: the engine creates first, then deletes the old one."""
    old = stage.start("completed")
    stage.batches.create(inputs(batch_id=old.id, claim="another"), stage.told)
    stage.forget(old)
    stage.batches.delete(old, stage.told)
    assert stage.sim.requests == []
    assert len(stage.live) == 5
    assert any("adopted" in warning for warning in stage.told.warnings)


def test_a_later_run_deletes_what_an_earlier_one_adopted(stage: Stage) -> None:
    batch_id = stage.foreign("completed")
    adopted = stage.batches.create(inputs(batch_id=batch_id), stage.told)
    stage.later_run().delete(adopted, stage.told)
    assert stage.nothing_runs_ever()


def test_after_an_adoption_that_failed_and_is_saved_the_former_owner_leaves_the_batch(stage: Stage) -> None:
    old, kept = stage.start("completed"), list[BatchRecord]()
    stage.sim.faults.add(Fault("status", status=403, method="PATCH"))
    with pytest.raises(Forbidden):
        stage.batches.create(inputs(batch_id=old.id, status="cancelled"), stage.told, kept.append)
    stage.batches.delete(old, stage.told)
    assert len(stage.live) == 5
    assert [one.batch_id for one in kept] == [old.id]


def test_after_an_adoption_that_failed_and_is_not_saved_the_former_owner_stays_in_the_state(stage: Stage) -> None:
    old = stage.start("completed")
    stage.sim.faults.add(Fault("status", status=403, method="PATCH"))
    with pytest.raises(Forbidden):
        stage.batches.create(inputs(batch_id=old.id, status="cancelled"), stage.told)
    with pytest.raises(LifecycleError, match=f"Left batch {old.id} running, and this resource in the state"):
        stage.batches.delete(old, stage.told)
    assert len(stage.live) == 5
    stage.batches.create(inputs(batch_id=old.id, status="cancelled"), stage.told)
    stage.batches.delete(old, stage.told)
    assert stage.nothing_runs_ever()

"""The environment's key reads and deletes a batch that is known by its id, and starts or changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from lifecycle.one_batch import KEY, OTHER_KEY, Stage, inputs

from pulumi_anchorbrowser.api import Account, ApiKeys, Client, ClientOptions, InvalidApiKey
from pulumi_anchorbrowser.lifecycle import Batches, BatchRecord, LifecycleError
from pulumi_anchorbrowser.receipts import Receipts

RENEWED_KEY = "key-of-team-a-renewed"


class Keys:
    """Batches of a stack whose config has a key that the API refuses, beside a key in the environment."""

    def __init__(self, stage: Stage, fallback: str) -> None:
        self.warnings: list[str] = []
        self.client = Client(
            stage.sim.url, ApiKeys("refused", fallback), ClientOptions(max_retries=0), notify=self.warnings.append
        )
        self.batches = Batches(self.client, Receipts(None), clock=stage.clock)


@pytest.fixture
def before(stage: Stage) -> BatchRecord:
    """A running batch of team a, started with the key that was valid then."""
    return stage.start("completed")


def renewed(stage: Stage) -> Keys:
    """The stack's key was rotated; the environment has the team's new one."""
    stage.sim.rotate_key(KEY, RENEWED_KEY)
    return Keys(stage, RENEWED_KEY)


every_change = pytest.mark.parametrize("change", ["create", "adopt", "cancelled", "deleted"])


def make(change: str, batches: Batches, before: BatchRecord, stage: Stage) -> BatchRecord:
    if change == "create":
        return batches.create(inputs(claim="claim-2"), stage.told)
    if change == "adopt":
        return batches.create(inputs(batch_id=before.id), stage.told)
    return batches.update(before, inputs(status=change), stage.told)


@every_change
def test_a_refused_key_starts_and_changes_nothing_with_the_key_of_another_team(
    stage: Stage, before: BatchRecord, change: str
) -> None:
    keys = Keys(stage, OTHER_KEY)
    with pytest.raises(InvalidApiKey, match="HTTP 401") as caught:
        make(change, keys.batches, before, stage)
    assert "anchorbrowser:apiKey" in str(caught.value)
    assert list(stage.sim.batches) == [before.id]
    assert {one.team for one in stage.sim.requests} == {None}
    assert len(stage.live) == 5
    assert keys.warnings == []


@every_change
def test_a_refused_key_starts_and_changes_nothing_with_a_key_of_the_same_team_either(
    stage: Stage, before: BatchRecord, change: str
) -> None:
    with pytest.raises(InvalidApiKey):
        make(change, renewed(stage).batches, before, stage)
    assert {one.team for one in stage.sim.requests} == {None}
    assert len(stage.live) == 5


@every_change
def test_a_change_is_an_error_after_a_read_has_gone_over_to_the_second_key_too(
    stage: Stage, before: BatchRecord, change: str
) -> None:
    keys = renewed(stage)
    assert keys.batches.read(before, stage.told) is not None
    stage.forget(before)
    with pytest.raises(InvalidApiKey):
        make(change, keys.batches, before, stage)
    assert {one.team for one in stage.sim.requests} == {None}
    assert len(stage.live) == 5


def test_a_read_uses_the_second_key_with_one_warning(stage: Stage, before: BatchRecord) -> None:
    keys = renewed(stage)
    after = keys.batches.read(before, stage.told)
    assert after is not None
    assert (after.live_status, after.completed_requests) == ("completed", 5)
    assert keys.batches.read(after, stage.told) is not None
    [warning] = keys.warnings
    assert "ANCHORBROWSER_API_KEY" in warning
    assert RENEWED_KEY not in warning
    # The record now names the key that opens the account.
    assert stage.later_run(RENEWED_KEY).runner.client.opens(Account.parse(after.account))


@pytest.mark.parametrize("wish", ["delete", "cancel", "end_sessions"])
def test_a_delete_uses_the_second_key_with_one_warning(stage: Stage, before: BatchRecord, wish: Any) -> None:
    keys = renewed(stage)
    after = keys.batches.delete(before.but(on_destroy=wish), stage.told)
    assert after.still_running == 0
    assert len(keys.warnings) == 1
    assert stage.nothing_runs_ever()


@pytest.mark.parametrize("operation", ["read", "delete"])
def test_a_404_under_another_teams_second_key_is_an_error_and_never_gone(
    stage: Stage, before: BatchRecord, operation: str
) -> None:
    keys = Keys(stage, OTHER_KEY)
    with pytest.raises(LifecycleError, match="may still run") as caught:
        getattr(keys.batches, operation)(before, stage.told)
    assert before.id in str(caught.value)
    assert "ANCHORBROWSER_CONFIRM_ACCOUNT=" in str(caught.value)
    assert len(keys.warnings) == 1
    assert len(stage.live) == 5


@pytest.mark.parametrize("operation", ["read", "delete"])
def test_two_refused_keys_are_an_error(stage: Stage, before: BatchRecord, operation: str) -> None:
    with pytest.raises(InvalidApiKey):
        getattr(Keys(stage, "refused-too").batches, operation)(before, stage.told)
    assert len(stage.live) == 5

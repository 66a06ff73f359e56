"""The key is renewed between two runs: the stack's config, or the state's copy of it, holds the old one."""

from __future__ import annotations

import re

import pytest
from bad_days.watched_stack import WatchedStack
from crashes.secrets_sought import RENEWED_KEY
from scenarios.one_stack import COUNT, HALF_TIME, KEY, OTHER_KEY, RUNNING, SECONDS, browsers, errors, one_error
from stages import StageResult

from pulumi_anchorbrowser.simulator import Simulator


@pytest.fixture
def batch(stack: WatchedStack, sim: Simulator) -> str:
    """A batch at half time, started with the key in the stack's config; the key was renewed since."""
    sim.settings.creation_seconds = SECONDS
    stack.stage.set_secret("anchorbrowser:apiKey", KEY)
    stack.stage.env["ANCHORBROWSER_API_KEY"] = ""
    batch = str(stack.up(browsers(count=COUNT)).outputs["browsers"]["batch_id"])
    sim.advance(HALF_TIME)
    stack.rotate_key()
    return batch


def fell_back(stack: WatchedStack, result: StageResult) -> None:
    """Assert that the old key was refused, the new one was used, and a warning says why."""
    assert {request.status for request in stack.requests if request.team is None} == {401}
    assert {request.team for request in stack.requests} == {None, "our-team"}
    assert [w for w in result.messages("warning") if "The API refused the configured key (HTTP 401)" in w]


def test_a_refresh_with_the_old_key_in_the_config_drops_nothing(
    stack: WatchedStack, sim: Simulator, batch: str
) -> None:
    for run in (stack.refresh, lambda: stack.up(refresh=True)):
        fell_back(stack, run())
        assert (stack.calls, stack.known_ids()) == ([], {batch})
    assert stack.stage.resource_outputs("browsers")["completed_requests"] == RUNNING
    assert len(sim.live_sessions()) == COUNT
    stack.destroyed_in_the_end()


def test_a_destroy_after_the_config_was_corrected_still_sees_the_old_key_and_works(
    stack: WatchedStack, sim: Simulator, batch: str
) -> None:
    stack.stage.set_secret("anchorbrowser:apiKey", RENEWED_KEY)
    result = stack.destroy()
    fell_back(stack, result)
    assert {r.path.rsplit("/", 1)[-1] for r in stack.requests if r.method == "DELETE"} == {batch}
    assert sim.batches[batch].deleted


def test_a_cancel_with_a_refused_key_in_the_config_is_an_error_and_works_once_the_key_is_corrected(
    stack: WatchedStack, sim: Simulator, batch: str
) -> None:
    error = one_error(stack.up(browsers(count=COUNT, status="cancelled"), expect_failure=True))
    assert f"Could not cancel batch {batch}: HTTP 401" in error
    assert {request.team for request in stack.requests} == {None}, "the environment's key is not for changes"
    assert len(sim.live_sessions()) == COUNT

    stack.stage.set_secret("anchorbrowser:apiKey", RENEWED_KEY)
    result = stack.up()
    assert stack.calls == [f"PATCH {batch}"]
    assert result.outputs["browsers"]["cancelled_sessions"] == RUNNING
    assert sim.live_sessions() == []
    stack.destroyed_in_the_end()


def test_a_create_with_a_refused_key_in_the_config_starts_nothing_with_the_key_of_the_environment(
    stack: WatchedStack, sim: Simulator, batch: str
) -> None:
    # The environment's key may be another team's, whose browsers would be billed.
    stack.stage.env["ANCHORBROWSER_API_KEY"] = OTHER_KEY
    wanted = {**browsers(count=COUNT), "more": {"count": 2}}
    error = one_error(stack.up(wanted, expect_failure=True))
    assert "Could not create a batch: HTTP 401" in error
    assert {request.team for request in stack.requests} == {None}
    assert set(sim.batches) == {batch}
    stack.stage.env["ANCHORBROWSER_API_KEY"] = RENEWED_KEY
    stack.destroyed_in_the_end()


def test_without_the_new_key_anywhere_everything_fails_and_nothing_is_dropped(
    stack: WatchedStack, sim: Simulator, batch: str
) -> None:
    stack.stage.env["ANCHORBROWSER_API_KEY"] = ""
    for command in (stack.stage.refresh, stack.stage.destroy):
        failed = stack.run(command, expect_failure=True)
        assert errors(failed)
        assert all(
            "HTTP 401" in error and "set a valid key in ANCHORBROWSER_API_KEY" in error for error in errors(failed)
        )
        assert stack.known_ids() == {batch}
    assert len(sim.live_sessions()) == COUNT
    stack.stage.env["ANCHORBROWSER_API_KEY"] = RENEWED_KEY
    stack.destroyed_in_the_end()


def test_a_404_under_the_new_key_alone_is_no_proof_that_a_batch_is_gone(
    stack: WatchedStack, sim: Simulator, batch: str
) -> None:
    # Under a key that has never answered for this batch, a 404 is not taken for "gone".
    sim.delete(batch)
    for failed in (stack.refresh(expect_failure=True), stack.run(stack.stage.destroy, expect_failure=True)):
        [error] = errors(failed)
        assert "it may still run in another team's account" in error
        assert stack.known_ids() == {batch}
    [code] = re.findall(r"ANCHORBROWSER_CONFIRM_ACCOUNT=(\w+)", error)
    stack.stage.env["ANCHORBROWSER_CONFIRM_ACCOUNT"] = code
    stack.refresh()
    assert stack.stage.resource_outputs("browsers")["live_status"] == "deleted"


def test_a_batch_that_was_seen_under_the_new_key_may_then_be_gone(
    stack: WatchedStack, sim: Simulator, batch: str
) -> None:
    stack.refresh()
    sim.delete(batch)
    result = stack.refresh()
    assert [line for line in result.messages("warning") if f"the API no longer knows batch {batch}" in line]
    assert stack.stage.resource_outputs("browsers")["live_status"] == "deleted"
    stack.destroyed_in_the_end()

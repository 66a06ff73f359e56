"""Every operation of the client, against the simulator: what it sends, and what it makes of the response."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from api.canned import Answer, Canned

from pulumi_anchorbrowser.api import AlreadySettled, BadRequest, Client, NotFound
from pulumi_anchorbrowser.simulator import Simulator

BATCHES = "/v1/batch-sessions"


def sent(sim: Simulator) -> tuple[str, str, object]:
    """The one request since the log was cleared."""
    (request,) = sim.requests
    return request.method, request.path, request.body


def test_create_batch_posts_the_count_and_nothing_that_was_not_given(sim: Simulator, client: Client) -> None:
    created = client.create_batch(3).value()
    assert sent(sim) == ("POST", BATCHES, {"count": 3})
    assert (created.status, created.total_requests) == ("pending", 3)
    assert list(sim.batches) == [created.batch_id]
    assert created.created_at


def test_create_batch_posts_configuration_and_metadata_as_they_are(sim: Simulator, client: Client) -> None:
    configuration = {"session": {"tags": ["a", "b"]}, "browser": {"headless": {"active": True}}}
    metadata = {"run": 7, "nested": {"deep": [1, None, "x"]}}
    client.create_batch(1, configuration, metadata).value()
    assert sent(sim)[2] == {"count": 1, "configuration": configuration, "metadata": metadata}


def test_every_request_names_the_package_and_its_version(sim: Simulator, client: Client) -> None:
    client.list_batches()
    assert sim.requests[0].user_agent.startswith("pulumi-anchorbrowser/")


def test_get_batch_returns_counts_and_sessions(sim: Simulator, client: Client) -> None:
    sim.settings.failing_sessions = 1
    batch_id = client.create_batch(4).value().batch_id
    sim.complete(batch_id)
    sim.clear_requests()
    batch = client.get_batch(batch_id)
    assert sent(sim) == ("GET", f"{BATCHES}/{batch_id}", None)
    assert (batch.status, batch.total_requests, batch.completed_requests, batch.failed_requests) == (
        "completed",
        4,
        3,
        1,
    )
    assert [session.status for session in batch.sessions] == ["completed"] * 3 + ["failed"]
    assert {s.session_id for s in batch.sessions[:3]} == {live.session_id for live in sim.live_sessions()}
    assert batch.actual_completion_time
    assert not batch.is_empty


def test_a_response_with_a_thousand_sessions_is_parsed(sim: Simulator, client: Client) -> None:
    batch_id = client.create_batch(1000).value().batch_id
    sim.complete(batch_id)
    batch = client.get_batch(batch_id)
    assert len({session.session_id for session in batch.sessions}) == 1000
    assert batch.completed_requests == 1000


def test_the_urls_that_open_a_browser_are_in_no_repr(sim: Simulator, client: Client) -> None:
    batch_id = client.create_batch(1).value().batch_id
    sim.complete(batch_id)
    batch = client.get_batch(batch_id)
    cdp_url = batch.sessions[0].cdp_url
    assert cdp_url is not None
    assert cdp_url.get_secret_value().startswith("wss://")
    for text in (repr(batch), str(batch), repr(batch.model_dump())):
        assert "wss://" not in text
        assert "/live" not in text


def test_list_batches_pages_and_filters(sim: Simulator, client: Client) -> None:
    ids = [client.create_batch(1).value().batch_id for _ in range(3)]
    sim.cancel(ids[0])
    sim.clear_requests()
    page = client.list_batches(status="pending", page=2, limit=1, created_after="2020-01-01T00:00:00Z")
    assert sim.requests[0].query == {
        "status": "pending",
        "page": "2",
        "limit": "1",
        "created_after": "2020-01-01T00:00:00Z",
    }
    assert [batch.batch_id for batch in page.batches] == [ids[1]]
    assert (page.pagination.has_next, page.pagination.total_records) == (False, 2)


def test_list_batches_asks_for_the_largest_page_unless_told_otherwise(sim: Simulator, client: Client) -> None:
    assert client.list_batches().batches == ()
    assert sim.requests[0].query == {"page": "1", "limit": "100"}


def test_cancel_batch_patches_the_status_and_returns_how_many_sessions_were_cancelled(
    sim: Simulator, client: Client
) -> None:
    sim.settings.creation_seconds = 100
    batch_id = client.create_batch(10).value().batch_id
    sim.advance(56)
    running = len([live for live in sim.live_sessions() if live.running])
    assert 0 < running < 10
    sim.clear_requests()
    answer = client.cancel_batch(batch_id).value()
    assert sent(sim) == ("PATCH", f"{BATCHES}/{batch_id}", {"status": "cancelled"})
    assert (answer.status, answer.cancelled_sessions) == ("cancelled", running)
    assert answer.message
    assert sim.live_sessions() == []


def test_cancel_batch_is_refused_once_the_batch_is_completed(sim: Simulator, client: Client) -> None:
    batch_id = client.create_batch(1).value().batch_id
    sim.complete(batch_id)
    with pytest.raises(AlreadySettled):
        client.cancel_batch(batch_id).value()
    assert len(sim.live_sessions()) == 1


def test_delete_batch_returns_how_many_sessions_were_deleted_and_which_were_not(sim: Simulator, client: Client) -> None:
    sim.settings.failing_deletions = 2
    batch_id = client.create_batch(5).value().batch_id
    sim.complete(batch_id)
    sim.clear_requests()
    answer = client.delete_batch(batch_id).value()
    assert sent(sim) == ("DELETE", f"{BATCHES}/{batch_id}", None)
    assert (answer.deleted_sessions, answer.failed_deletions, answer.failed) == (3, 2, 2)
    assert [failed.session_id for failed in answer.errors] == [live.session_id for live in sim.live_sessions()]
    assert all(failed.error for failed in answer.errors)


def test_retry_batch_posts_how_often_and_returns_how_many_sessions_are_retried(sim: Simulator, client: Client) -> None:
    sim.settings.failing_sessions = 2
    batch_id = client.create_batch(3).value().batch_id
    sim.complete(batch_id)
    sim.clear_requests()
    answer = client.retry_batch(batch_id, 3).value()
    assert sent(sim) == ("POST", f"{BATCHES}/{batch_id}/retry", {"retry_failed_only": True, "max_retries": 3})
    assert answer.retried_sessions == 2


def test_retry_batch_with_nothing_to_retry_is_a_bad_request(sim: Simulator, client: Client) -> None:
    batch_id = client.create_batch(1).value().batch_id
    sim.complete(batch_id)
    with pytest.raises(BadRequest, match="no failed session"):
        client.retry_batch(batch_id).value()


def test_end_session_ends_that_session_alone(sim: Simulator, client: Client) -> None:
    batch_id = client.create_batch(2).value().batch_id
    sim.complete(batch_id)
    first, second = (live.session_id for live in sim.live_sessions())
    sim.clear_requests()
    client.end_session(first).value()
    assert sent(sim) == ("DELETE", f"/v1/sessions/{first}", None)
    assert [live.session_id for live in sim.live_sessions()] == [second]


def test_session_statuses_finds_by_batch_and_by_all_tags(sim: Simulator, client: Client) -> None:
    wanted = client.create_batch(2, {"session": {"tags": ["x", "y"]}}).value().batch_id
    other = client.create_batch(1, {"session": {"tags": ["x"]}}).value().batch_id
    sim.complete(wanted)
    sim.complete(other)
    sim.clear_requests()
    found = client.session_statuses(tags=("x", "y"))
    assert sim.requests[0].query == {"tags": "x,y"}
    assert {item.session_id for item in found.items} == {s.session_id for s in sim.live_sessions(batch_id=wanted)}
    assert {item.tags for item in found.items} == {("x", "y")}
    assert client.session_statuses(batch_id=other).count == 1


def test_list_sessions_pages_through_the_sessions_of_one_batch(sim: Simulator, client: Client) -> None:
    wanted = client.create_batch(52, {"session": {"tags": ["x"]}}).value().batch_id
    sim.complete(wanted)
    sim.complete(client.create_batch(1).value().batch_id)
    sim.clear_requests()
    page = client.list_sessions(wanted, 2)
    assert sim.requests[0].path == "/v1/sessions"
    assert sim.requests[0].query == {"batch_id": wanted, "page": "2", "limit": "50"}
    assert (len(page.sessions), page.total) == (2, 52)
    assert {session.tags for session in page.sessions} == {("x",)}
    ids = {session.id for session in (*page.sessions, *client.list_sessions(wanted).sessions)}
    assert ids == {live.session_id for live in sim.live_sessions(batch_id=wanted)}


def test_billing_returns_the_plans_limits(connect: Callable[..., Client]) -> None:
    figures = {
        "credits": 42.5,
        "credits_used": "a field that is not read may be of any type",
        "tier": "monthly_starter",
        "max_concurrent_browsers": -1,
        "cost_limit": None,
    }
    with Canned(Answer.data(figures)) as server:
        billing = connect(server.url).billing()
        assert (server.requests[0].method, server.requests[0].path) == ("GET", "/v1/billing")
    assert billing.model_dump() == {name: value for name, value in figures.items() if name != "credits_used"}


@pytest.mark.parametrize(
    "call",
    [
        lambda client, id_: client.get_batch(id_),
        lambda client, id_: client.cancel_batch(id_).value(),
        lambda client, id_: client.delete_batch(id_).value(),
        lambda client, id_: client.retry_batch(id_).value(),
        lambda client, id_: client.end_session(id_).value(),
    ],
)
def test_an_unknown_id_is_not_found_and_named(client: Client, call: Callable[[Client, str], object]) -> None:
    unknown = str(uuid.uuid4())
    with pytest.raises(NotFound, match=unknown) as caught:
        call(client, unknown)
    assert caught.value.status == 404


def test_another_teams_batch_is_not_found(connect: Callable[..., Client]) -> None:
    with Simulator({"key-a": "a", "key-b": "b"}) as shared:
        theirs = connect(shared.url, "key-b").create_batch(1).value().batch_id
        with pytest.raises(NotFound):
            connect(shared.url, "key-a").delete_batch(theirs).value()
        assert len(shared.live_sessions()) == 1

"""The vendor's own client drives every operation, and its models take every answer of the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anchorbrowser
import httpx
import pydantic
import pytest
from anchorbrowser import Anchorbrowser
from anchorbrowser.types import models

from pulumi_anchorbrowser.simulator import Fault, Simulator


def connect(sim: Simulator, key: str = "key-of-a") -> Anchorbrowser:
    """Strict: an answer that its models do not take is an error, not a guess; no retries, so that each call is one."""
    return Anchorbrowser(
        api_key=key,
        base_url=sim.url,
        max_retries=0,
        http_client=httpx.Client(trust_env=False, timeout=10),
        _strict_response_validation=True,
    )


@pytest.fixture
def sim(simulate: Any) -> Any:
    return simulate(creation_seconds=100, failing_sessions=1)


@pytest.fixture
def client(sim: Any) -> Iterator[Anchorbrowser]:
    with connect(sim) as client:
        yield client


@pytest.fixture
def batch(client: Anchorbrowser) -> str:
    created = client.batch_sessions.create_batch_session(
        count=9,
        configuration={"session": {"tags": ["official"], "timeout": {"max_duration": 30}}},
        metadata={"project": "x"},
    )
    assert created.data is not None
    assert created.data.status == "pending"
    return str(created.data.batch_id)


def nothing_unknown(model: Any) -> None:
    """Fails if any part of an answer carried a field that the vendor's models do not have."""
    if isinstance(model, pydantic.BaseModel):
        assert not model.model_extra, f"{type(model).__name__} has no {model.model_extra}"
        for name in type(model).model_fields:
            nothing_unknown(getattr(model, name))
    if isinstance(model, list):
        for one in model:
            nothing_unknown(one)


def test_the_judge_sees_an_unknown_field_and_a_wrong_word(sim: Any, client: Anchorbrowser, batch: str) -> None:
    told = client.batch_sessions.get_batch_session(batch).to_dict()
    told["data"]["surprise"] = 1  # type: ignore[index]
    with pytest.raises(AssertionError, match="surprise"):
        nothing_unknown(models.BatchSessionsGetBatchSessionResponse.model_validate(told))
    sim.faults.add(Fault("truncated"), Fault("html"))
    for _ in range(2):
        with pytest.raises((anchorbrowser.APIResponseValidationError, ValueError)):
            client.batch_sessions.get_batch_session(batch)


@pytest.mark.parametrize(
    ("seconds", "status", "ready"), [(1, "pending", 0), (51, "processing", 4), (101, "completed", 8)]
)
def test_it_reads_a_batch_in_each_stage(
    sim: Any, client: Anchorbrowser, batch: str, seconds: int, status: str, ready: int
) -> None:
    sim.advance(seconds)
    got = client.batch_sessions.get_batch_session(batch)
    nothing_unknown(got)
    assert got.data is not None
    assert got.data.sessions is not None
    assert (got.data.status, got.data.completed_requests) == (status, ready)
    assert sum(1 for one in got.data.sessions if one.cdp_url) == ready


def test_it_lists_batches_and_sessions(sim: Any, client: Anchorbrowser, batch: str) -> None:
    sim.advance(51)
    batches = client.batch_sessions.list_batch_sessions(status="processing", limit=100)
    sessions = client.sessions.list_sessions(tags="official", batch_id=batch, limit=50, sort_order="asc")
    statuses = client.sessions.get_all_sessions_status(tags="official")
    for answer in (batches, sessions, statuses):
        nothing_unknown(answer)
    assert [str(one.batch_id) for one in batches.data.batches] == [batch]  # type: ignore[union-attr]
    assert sessions.data is not None
    assert (sessions.data.total, {tuple(one.tags or ()) for one in sessions.data.sessions}) == (4, {("official",)})
    assert statuses.data is not None
    assert statuses.data.count == 4


def test_it_cancels_a_batch(sim: Any, client: Anchorbrowser, batch: str) -> None:
    sim.advance(51)
    done = client.batch_sessions.update_batch_session(batch, status="cancelled")
    nothing_unknown(done)
    assert done.data is not None
    assert done.data.cancelled_sessions == 4
    assert sim.live_sessions() == []
    nothing_unknown(client.batch_sessions.get_batch_session(batch))
    with pytest.raises(anchorbrowser.ConflictError):
        client.batch_sessions.update_batch_session(batch, status="cancelled")


def test_it_deletes_a_batch_in_part_and_then_whole(sim: Any, client: Anchorbrowser, batch: str) -> None:
    sim.advance(101)
    sim.settings.failing_deletions = 2
    part = client.batch_sessions.delete_batch_session(batch)
    nothing_unknown(part)
    assert part.data is not None
    assert part.data.errors is not None
    assert (part.data.deleted_sessions, len(part.data.errors)) == (6, 2)
    sim.settings.failing_deletions = 0
    whole = client.batch_sessions.delete_batch_session(batch)
    nothing_unknown(whole)
    assert whole.data is not None
    assert (whole.data.deleted_sessions, whole.data.errors) == (2, None)
    with pytest.raises(anchorbrowser.NotFoundError):
        client.batch_sessions.get_batch_session(batch)


def test_it_retries_failed_sessions(sim: Any, client: Anchorbrowser, batch: str) -> None:
    sim.advance(101)
    again = client.batch_sessions.retry_batch_session(batch, max_retries=2)
    nothing_unknown(again)
    assert again.data is not None
    assert (again.data.status, again.data.retried_sessions) == ("processing", 1)
    sim.advance(101)
    with pytest.raises(anchorbrowser.BadRequestError):
        client.batch_sessions.retry_batch_session(batch)


def test_it_ends_one_session_and_reads_the_billing(sim: Any, client: Anchorbrowser, batch: str) -> None:
    sim.advance(101)
    first, *others = sim.live_sessions(batch_id=batch)
    nothing_unknown(client.sessions.delete_session(first.session_id))
    assert sim.live_sessions() == others
    ended = client.sessions.list_sessions(status="completed")
    nothing_unknown(ended)
    assert ended.data is not None
    assert [one.id for one in ended.data.sessions] == [first.session_id]
    billing = client.billing.get_billing()
    nothing_unknown(billing)
    assert billing.data is not None
    assert billing.data.credits_used == 9


def test_it_starts_a_single_session(sim: Any, client: Anchorbrowser) -> None:
    made = client.sessions.create_session(session={"tags": ["alone"]})
    nothing_unknown(made)
    assert made.data is not None
    assert [one.session_id for one in sim.live_sessions(tag="alone")] == [made.data.id]


def test_it_raises_its_own_error_class_for_each_refusal(sim: Any, client: Anchorbrowser) -> None:
    with pytest.raises(anchorbrowser.BadRequestError):
        client.batch_sessions.create_batch_session(count=1001)
    with pytest.raises(anchorbrowser.NotFoundError):
        client.sessions.delete_all_sessions()
    with connect(sim, "somebody") as stranger, pytest.raises(anchorbrowser.AuthenticationError):
        stranger.batch_sessions.list_batch_sessions()
    sim.settings.credits = 0
    with pytest.raises(anchorbrowser.APIStatusError, match="402"):
        client.batch_sessions.create_batch_session(count=1)
    sim.settings.creation_quota = 0
    with pytest.raises(anchorbrowser.RateLimitError):
        client.batch_sessions.create_batch_session(count=1)

"""Every error says what happened and what to do, on one line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scenarios.one_stack import down

from pulumi_anchorbrowser import api
from pulumi_anchorbrowser.api import (
    AlreadySettled,
    ApiError,
    BadRequest,
    Client,
    Forbidden,
    InvalidApiKey,
    NoAnswer,
    NotConnected,
    NotFound,
    NotSent,
    PaymentRequired,
    PlanLimit,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
)
from pulumi_anchorbrowser.errors import ExpectedError, printed
from pulumi_anchorbrowser.simulator import Fault, Simulator

ID = "964bb823-e620-4758-ac4d-f9760511f4d8"
CORRECT = "Correct the property that the API names, then run again."
AGAIN = "Run the same command again. If the error persists, ask AnchorBrowser's support."
TABLE: list[tuple[int, type[ApiError], str]] = [
    (400, BadRequest, CORRECT),
    (
        401,
        InvalidApiKey,
        "Set a valid key with `pulumi config set --secret anchorbrowser:apiKey` or in ANCHORBROWSER_API_KEY, then run "
        "again.",
    ),
    (402, PaymentRequired, "Add credits, lower `count`, or end batches that you no longer need, then run again."),
    (403, Forbidden, "Use a key that is allowed to do this, or ask the team's administrator."),
    (404, NotFound, "Check the id, and use a key of the team that created the batch."),
    (
        409,
        AlreadySettled,
        "Check the batch's status: delete a completed batch, or end its sessions, to stop its browsers.",
    ),
    (422, BadRequest, CORRECT),
    (429, RateLimited, "Wait a minute and run again, or lower `anchorbrowser:maxConcurrency`."),
    (500, ServerError, AGAIN),
    (503, ServerError, AGAIN),
    (
        418,
        UnexpectedAnswer,
        "Check that the base URL is that of AnchorBrowser's API, and that no proxy or gateway responds instead.",
    ),
]
ANCHORS: dict[type[ApiError], str] = {
    AlreadySettled: "already-settled",
    BadRequest: "bad-request",
    Forbidden: "forbidden",
    InvalidApiKey: "invalid-api-key",
    NoAnswer: "no-answer",
    NotConnected: "not-connected",
    NotFound: "not-found",
    NotSent: "not-sent",
    PaymentRequired: "payment-required",
    PlanLimit: "plan-limit",
    RateLimited: "rate-limited",
    ServerError: "server-error",
    UnexpectedAnswer: "unexpected-answer",
}


@pytest.mark.parametrize(("status", "kind", "advice"), TABLE, ids=[str(row[0]) for row in TABLE])
def test_a_status_has_its_error_and_its_text(
    sim: Simulator, client: Client, status: int, kind: type[ApiError], advice: str
) -> None:
    sim.faults.add(Fault("status", status=status))
    error = client.cancel_batch(ID).error
    assert error is not None
    assert type(error) is kind
    assert error.reason.startswith(f"HTTP {status}: Scripted ")
    assert error.explanation == f"Could not cancel batch {ID}: {error.reason}"
    assert str(error) == f"{error.explanation}. {advice}"
    assert (error.status, error.operation, error.advice) == (status, f"cancel batch {ID}", advice)
    assert printed(error) == f"{str(error).rstrip('.')}. Explained by `pulumi-anchorbrowser explain {kind.anchor}`."


def test_every_error_names_its_entry_in_the_troubleshooting_page() -> None:
    kinds = {one for one in vars(api).values() if isinstance(one, type) and issubclass(one, ApiError)} - {ApiError}
    assert {kind: vars(kind)["anchor"] for kind in kinds} == ANCHORS
    assert issubclass(ApiError, ExpectedError)


def test_a_lost_response_has_its_text(sim: Simulator, client: Client) -> None:
    sim.faults.add(Fault("reset_after"))
    error = client.create_batch(1).error
    assert error is not None
    assert str(error) == (
        "Could not create a batch: the connection broke before the whole response arrived (ProtocolError). "
        "The API may have acted on the request. Run the same command again."
    )
    assert error.status is None


def test_a_connection_that_was_never_made_has_its_text(sim: Simulator, client: Client) -> None:
    with down(sim):
        error = client.create_batch(1).error
    assert isinstance(error, NotConnected)
    text = str(error)
    assert text.startswith("Could not create a batch: no connection (")
    assert text.endswith("Connection refused). Check the network, the proxy settings and the base URL, then run again.")


@pytest.mark.parametrize(
    ("call", "operation"),
    [
        (lambda c: c.create_batch(1).value(), "create a batch"),
        (lambda c: c.get_batch(ID), f"read batch {ID}"),
        (lambda c: c.list_batches(), "list batches"),
        (lambda c: c.cancel_batch(ID).value(), f"cancel batch {ID}"),
        (lambda c: c.delete_batch(ID).value(), f"delete batch {ID}"),
        (lambda c: c.retry_batch(ID).value(), f"retry batch {ID}"),
        (lambda c: c.end_session(ID).value(), f"end session {ID}"),
        (lambda c: c.session_statuses(), "look for sessions"),
        (lambda c: c.list_sessions(ID), "list sessions"),
        (lambda c: c.billing(), "read the plan's limits"),
    ],
)
def test_every_error_names_the_operation_and_the_id(
    sim: Simulator, client: Client, call: Callable[[Client], object], operation: str
) -> None:
    sim.faults.add(Fault("status", status=403))
    with pytest.raises(Forbidden, match=f"^Could not {operation}: HTTP 403") as caught:
        call(client)
    assert caught.value.operation == operation


def test_the_apis_own_message_is_in_the_error(sim: Simulator, client: Client) -> None:
    with pytest.raises(BadRequest, match="captcha_solver needs an active proxy"):
        client.create_batch(1, {"browser": {"captcha_solver": {"active": True}}}).value()
    sim.settings.credits = 2
    with pytest.raises(PaymentRequired, match=r"HTTP 402: .*3 credits.* 2 are left"):
        client.create_batch(3).value()
    assert sim.batches == {}

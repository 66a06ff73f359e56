"""Every error says what happened and what to do, on one line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pulumi_anchorbrowser.api import (
    AlreadySettled,
    ApiError,
    BadRequest,
    Client,
    Forbidden,
    InvalidApiKey,
    NotConnected,
    NotFound,
    NotSent,
    PaymentRequired,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
)
from pulumi_anchorbrowser.simulator import Fault, Simulator

ID = "964bb823-e620-4758-ac4d-f9760511f4d8"
CORRECT = "Correct the property that the API names, then run again."
AGAIN = "Run the same command again; if it persists, ask AnchorBrowser's support."
TABLE: list[tuple[int, type[ApiError], bool, str]] = [
    (400, BadRequest, True, CORRECT),
    (
        401,
        InvalidApiKey,
        True,
        "Set a valid key with `pulumi config set --secret anchorbrowser:apiKey` or in ANCHORBROWSER_API_KEY; "
        "a destroy or a refresh uses the stack config of the last `pulumi up`, and then the environment's key.",
    ),
    (402, PaymentRequired, True, "Add credits, lower `count`, or end batches you no longer need, then run again."),
    (403, Forbidden, True, "Use a key that may do this, or ask the team's administrator."),
    (404, NotFound, True, "Check the id, and that the key belongs to the team that made it."),
    (
        409,
        AlreadySettled,
        True,
        "Look at the batch's status: a completed batch is ended by deleting it or by ending its sessions.",
    ),
    (422, BadRequest, True, CORRECT),
    (429, RateLimited, True, "Wait a minute and run again, or lower `anchorbrowser:maxConcurrency`."),
    (500, ServerError, False, AGAIN),
    (503, ServerError, False, AGAIN),
    (
        418,
        UnexpectedAnswer,
        True,
        "Check that the base URL is that of AnchorBrowser's API and that no proxy answers in its place.",
    ),
]


@pytest.mark.parametrize(("status", "kind", "nothing_done", "advice"), TABLE, ids=[str(row[0]) for row in TABLE])
def test_a_status_has_its_error_and_its_text(
    sim: Simulator, client: Client, status: int, kind: type[ApiError], nothing_done: bool, advice: str
) -> None:
    sim.faults.add(Fault("status", status=status))
    with pytest.raises(ApiError) as caught:
        client.cancel_batch(ID)
    error = caught.value
    assert type(error) is kind
    assert str(error) == f"Could not cancel batch {ID}: HTTP {status}: Scripted answer {status}. {advice}"
    assert (error.status, error.code, error.server_message) == (status, status, f"Scripted answer {status}")
    assert error.nothing_done is nothing_done


def test_no_answer_has_its_text(sim: Simulator, client: Client) -> None:
    sim.faults.add(Fault("reset_after"))
    with pytest.raises(ApiError) as caught:
        client.create_batch(1)
    assert str(caught.value) == (
        "Could not create a batch: the connection broke before the whole answer came (ProtocolError). "
        "The API may have acted on it; run the same command again."
    )
    assert caught.value.status is None


def test_no_connection_has_its_text(sim: Simulator, client: Client) -> None:
    sim.stop()
    with pytest.raises(NotConnected) as caught:
        client.create_batch(1)
    text = str(caught.value)
    assert text.startswith("Could not create a batch: no connection (")
    assert text.endswith("Connection refused). Check the network, the proxy settings and the base URL, then run again.")


@pytest.mark.parametrize(
    ("call", "operation"),
    [
        (lambda c: c.create_batch(1), "create a batch"),
        (lambda c: c.get_batch(ID), f"read batch {ID}"),
        (lambda c: c.list_batches(), "list batches"),
        (lambda c: c.cancel_batch(ID), f"cancel batch {ID}"),
        (lambda c: c.delete_batch(ID), f"delete batch {ID}"),
        (lambda c: c.retry_batch(ID), f"retry batch {ID}"),
        (lambda c: c.end_session(ID), f"end session {ID}"),
        (lambda c: c.session_statuses(), "look for sessions"),
    ],
)
def test_every_error_names_the_operation_and_the_id(
    sim: Simulator, client: Client, call: Callable[[Client], object], operation: str
) -> None:
    sim.faults.add(Fault("status", status=403))
    with pytest.raises(Forbidden, match=f"^Could not {operation}: HTTP 403") as caught:
        call(client)
    assert caught.value.operation == operation


def test_what_the_api_itself_says_is_passed_on(sim: Simulator, client: Client) -> None:
    with pytest.raises(BadRequest, match="captcha_solver needs an active proxy"):
        client.create_batch(1, {"browser": {"captcha_solver": {"active": True}}})
    sim.settings.credits = 2
    with pytest.raises(PaymentRequired, match="needs 3 credits and 2 are left"):
        client.create_batch(3)
    assert sim.batches == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_json_does_not_know_is_never_sent_and_not_called_a_lost_answer(
    sim: Simulator, client: Client, value: float
) -> None:
    with pytest.raises(NotSent, match=r"^Could not create a batch: ") as caught:
        client.create_batch(1, metadata={"ratio": value})
    assert sim.requests == []
    assert caught.value.nothing_done

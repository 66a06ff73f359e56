"""What each response, and each missing one, says for certain: the API did nothing, or it may have acted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from api.calls import ID, lost, refused
from api.canned import Answer, Canned

from pulumi_anchorbrowser.api import Client, Lost, NoAnswer, NotSent, ServerError, UnexpectedAnswer
from pulumi_anchorbrowser.simulator import Fault, Simulator

REFUSALS = [400, 401, 402, 403, 404, 409, 422, 429]
OTHERS = [301, 302, 304, 307, 405, 406, 408, 410, 413, 418, 425, 451, 499, 500, 501, 502, 503, 504, 505, 520, 524, 599]
MUTATING: dict[str, Callable[[Client], Any]] = {
    "create": lambda client: client.create_batch(1),
    "cancel": lambda client: client.cancel_batch(ID),
    "delete": lambda client: client.delete_batch(ID),
    "retry": lambda client: client.retry_batch(ID),
    "end a session": lambda client: client.end_session(ID),
}
PAGE = b"<html><h1>A gateway</h1></html>"


@pytest.mark.parametrize("call", MUTATING)
@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_in_the_apis_own_words_is_certain(connect: Callable[..., Client], call: str, status: int) -> None:
    with Canned(Answer.error(status, "no")) as server:
        error = refused(MUTATING[call](connect(server.url)))
    assert error.status == status
    assert f"HTTP {status}: no" in str(error)


@pytest.mark.parametrize("body", [b'{"error": {"code": 404}}', b'{"error": {"message": "gone"}}'])
def test_an_error_with_a_code_or_a_message_is_in_the_apis_own_words(
    connect: Callable[..., Client], body: bytes
) -> None:
    with Canned(Answer(404, body)) as server:
        assert refused(connect(server.url).delete_batch(ID)).status == 404


@pytest.mark.parametrize("call", ["create", "delete", "end a session"])
@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("body", [PAGE, b"", b"{}", b'{"error": "no"}', b'{"error": {}}', b'{"message": "no"}', b"[1]"])
def test_a_refusal_in_other_words_is_lost(connect: Callable[..., Client], call: str, status: int, body: bytes) -> None:
    with Canned(Answer(status, body)) as server:
        error = lost(MUTATING[call](connect(server.url)))
    assert type(error) is UnexpectedAnswer
    assert f"HTTP {status} from something other than the AnchorBrowser API (a proxy or gateway?)" in str(error)


@pytest.mark.parametrize("call", ["create", "cancel", "delete"])
@pytest.mark.parametrize("status", OTHERS)
def test_every_other_status_is_lost_whoever_sent_it(connect: Callable[..., Client], call: str, status: int) -> None:
    for answer in (Answer.error(status, "no"), Answer(status, PAGE)):
        answer.body = b"" if status == 304 else answer.body
        with Canned(answer) as server:
            error = lost(MUTATING[call](connect(server.url)))
        assert type(error) is (ServerError if status >= 500 else UnexpectedAnswer)
        assert error.status == status


@pytest.mark.parametrize("call", MUTATING)
@pytest.mark.parametrize(
    "body",
    [b"", PAGE, b"null", b"[]", b'"data"', b"7", b'{"data"', b'{"error": "no"}', b"\xff\xfe\x00", b"[" * 100_000],
    ids=lambda body: repr(body[:12]),
)
def test_a_200_that_is_not_the_apis_json_is_lost(connect: Callable[..., Client], call: str, body: bytes) -> None:
    with Canned(Answer(body=body)) as server:
        error = lost(MUTATING[call](connect(server.url)))
    assert isinstance(error, UnexpectedAnswer)
    assert "the response (HTTP 200) is not the API's JSON" in str(error)


@pytest.mark.parametrize("call", ["create", "cancel", "delete", "retry"])
@pytest.mark.parametrize("status", [202, 204])
def test_an_accepted_or_an_empty_response_is_lost(connect: Callable[..., Client], call: str, status: int) -> None:
    with Canned(Answer(status, b"")) as server:
        assert isinstance(lost(MUTATING[call](connect(server.url))), UnexpectedAnswer)


@pytest.mark.parametrize(
    "answer", [Answer.data({"status": "success"}), Answer.data(None), Answer(200, b"{}"), Answer(204)]
)
def test_a_session_is_ended_whatever_the_api_says_of_it(connect: Callable[..., Client], answer: Answer) -> None:
    with Canned(answer) as server:
        assert connect(server.url).end_session(ID).value() is None


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "reset_mid_body"])
@pytest.mark.parametrize("call", MUTATING)
def test_a_connection_that_breaks_is_a_lost_response(sim: Simulator, client: Client, call: str, kind: Any) -> None:
    # Nothing of it is found in the simulator: a response of an error can break as well.
    sim.faults.add(Fault(kind))
    assert isinstance(lost(MUTATING[call](client)), NoAnswer)
    assert len(sim.requests) == 1


@pytest.mark.parametrize("call", MUTATING)
def test_a_response_of_two_lengths_is_lost(connect: Callable[..., Client], call: str) -> None:
    with Canned(Answer(200, b"hello", {"Content-Length": "5, 6"})) as server:
        assert isinstance(lost(MUTATING[call](connect(server.url))), NoAnswer)
        assert len(server.requests) == 1


@pytest.mark.parametrize("call", MUTATING)
@pytest.mark.parametrize("location", ["http://[x", "http://caf\xe9/", "//[", "http://a..b/", "mailto:x", "\x7f"])
def test_a_redirect_to_an_address_that_can_be_none_is_lost(
    connect: Callable[..., Client], call: str, location: str
) -> None:
    with Canned(Answer(302, b"", {"Location": location})) as server:
        error = lost(MUTATING[call](connect(server.url)))
    assert type(error) is UnexpectedAnswer
    assert error.reason == "HTTP 302"
    assert len(server.requests) == 1


def test_a_response_that_cannot_be_read_is_retried_where_a_second_request_finds_what_the_first_did(
    connect: Callable[..., Client],
) -> None:
    answers = iter([Answer(200, b"hello", {"Content-Length": "5, 6"}), Answer.data({"deleted_sessions": 2})])
    with Canned(lambda _: next(answers)) as server:
        outcome = connect(server.url, max_retries=1).delete_batch(ID)
    assert outcome.value().deleted_sessions == 2
    assert outcome.was_lost
    assert isinstance(outcome.tries[0], Lost)
    assert outcome.tries[0].error.reason == "the response cannot be read (InvalidHeader)"
    with Canned(Answer(200, b"hello", {"Content-Length": "5, 6"})) as server:
        assert isinstance(lost(connect(server.url, max_retries=3).create_batch(1)), NoAnswer)
        assert len(server.requests) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_json_does_not_have_is_never_sent(sim: Simulator, client: Client, value: float) -> None:
    error = refused(client.create_batch(1, metadata={"ratio": value}))
    assert isinstance(error, NotSent)
    assert str(error).startswith("Could not create a batch: the request cannot be sent (")
    assert sim.requests == []


def test_a_base_url_whose_host_can_be_none_is_one_line_and_nothing_is_sent(connect: Callable[..., Client]) -> None:
    outcome = connect("https://a..b", max_retries=3).create_batch(1)
    assert isinstance(refused(outcome), NotSent)
    assert len(outcome.tries) == 1
    assert "a..b" in str(outcome.error)

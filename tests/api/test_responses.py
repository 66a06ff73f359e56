"""Answers that are not of the documented form: what is more is tolerated, what is missing is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from api.canned import Answer, Canned

from pulumi_anchorbrowser.api import ApiError, Client, NoAnswer, ServerError, UnexpectedAnswer
from pulumi_anchorbrowser.simulator import Fault, Simulator

ID = "964bb823-e620-4758-ac4d-f9760511f4d8"


def ask(connect: Callable[..., Client], answer: Answer, call: Callable[[Client], Any]) -> Any:
    with Canned(answer) as server:
        try:
            return call(connect(server.url))
        finally:
            assert len(server.requests) == 1


def test_fields_and_words_the_client_does_not_know_are_tolerated(connect: Callable[..., Client]) -> None:
    data = {
        "batch_id": ID,
        "status": "hibernating",
        "total_requests": 1,
        "new_field": {"x": 1},
        "sessions": [{"session_id": ID, "status": "dreaming", "colour": "blue"}],
    }
    batch = ask(connect, Answer.data(data), lambda client: client.get_batch(ID))
    assert (batch.status, batch.sessions[0].status) == ("hibernating", "dreaming")


def test_counts_that_the_answer_leaves_out_are_unknown_not_zero(connect: Callable[..., Client]) -> None:
    cancelled = ask(connect, Answer.data({}), lambda client: client.cancel_batch(ID))
    assert cancelled.cancelled_sessions is None
    deleted = ask(connect, Answer.data({}), lambda client: client.delete_batch(ID))
    assert (deleted.deleted_sessions, deleted.failed_deletions, deleted.errors) == (None, None, ())
    summary = ask(connect, Answer.data({"batch_id": ID, "status": "pending"}), lambda client: client.get_batch(ID))
    assert (summary.total_requests, summary.is_empty) == (None, False)


def test_a_null_list_of_deletion_errors_is_an_empty_one(connect: Callable[..., Client]) -> None:
    answer = Answer.data({"deleted_sessions": 2, "failed_deletions": 0, "errors": None})
    assert ask(connect, answer, lambda client: client.delete_batch(ID)).errors == ()


def test_a_null_list_of_sessions_or_tags_is_no_error(connect: Callable[..., Client]) -> None:
    answer = Answer.data({"batch_id": ID, "status": "cancelled", "total_requests": 0, "sessions": None})
    assert not ask(connect, answer, lambda client: client.get_batch(ID)).sessions
    answer = Answer.data({"items": [{"session_id": ID, "tags": None}]})
    assert ask(connect, answer, lambda client: client.session_statuses()).items[0].tags == ()


@pytest.mark.parametrize(
    ("call", "data", "field"),
    [
        (lambda c: c.create_batch(1), {"status": "pending"}, "batch_id"),
        (lambda c: c.create_batch(1), {"batch_id": "all"}, "batch_id"),
        (lambda c: c.create_batch(1), {"batch_id": None}, "batch_id"),
        (lambda c: c.get_batch(ID), {"batch_id": ID}, "status"),
        (lambda c: c.get_batch(ID), {"batch_id": ID, "status": "failed", "total_requests": "many"}, "total_requests"),
        (lambda c: c.get_batch(ID), {"batch_id": ID, "status": "x", "sessions": [{"status": 1}]}, "sessions.0.status"),
        (lambda c: c.list_batches(), {"batches": []}, "pagination"),
        (lambda c: c.list_batches(), {"batches": [{}], "pagination": {"has_next": False}}, "batches.0.batch_id"),
        (lambda c: c.session_statuses(), {"count": 1}, "items"),
        (lambda c: c.session_statuses(), {"items": [{"status": "running"}]}, "items.0.session_id"),
        (lambda c: c.cancel_batch(ID), {"cancelled_sessions": "all"}, "cancelled_sessions"),
    ],
)
def test_a_field_that_is_missing_or_garbled_is_named(
    connect: Callable[..., Client], call: Callable[[Client], Any], data: Any, field: str
) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        ask(connect, Answer.data(data), call)
    assert f"lacks or garbles: {field}" in str(caught.value)
    assert "HTTP 200" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"data": ["not an object"]}',
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b'{"data"',
        b"{}",
        b'{"error": "no"}',
        b"\xff\xfe\x00",
        b"<html></html>",
    ],
)
@pytest.mark.parametrize("call", [lambda c: c.create_batch(1), lambda c: c.get_batch(ID), lambda c: c.delete_batch(ID)])
def test_a_body_that_is_not_the_apis_json_is_an_unexpected_answer(
    connect: Callable[..., Client], call: Callable[[Client], Any], body: bytes
) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        ask(connect, Answer(body=body), call)
    assert not caught.value.nothing_done


@pytest.mark.parametrize(
    "error", [b"<html>Bad gateway</html>", b"", b"null", b'{"error": "x"}', b'{"error": {"message": ["a"]}}', b"[1]"]
)
def test_an_error_body_of_any_form_still_tells_the_status(connect: Callable[..., Client], error: bytes) -> None:
    with pytest.raises(ServerError, match="HTTP 502"):
        ask(connect, Answer(502, error), lambda client: client.get_batch(ID))


def test_a_long_message_of_many_lines_is_told_on_one_line_and_cut(connect: Callable[..., Client]) -> None:
    with pytest.raises(ApiError) as caught:
        ask(
            connect, Answer.error(400, "first line\nsecond\t line " + "x" * 5000), lambda client: client.create_batch(1)
        )
    text = str(caught.value)
    assert "first line second line" in text
    assert "\n" not in text
    assert len(text) < 500


@pytest.mark.parametrize("kind", ["garbled", "truncated", "html"])
@pytest.mark.parametrize("count", [1, 200])
def test_a_create_whose_answer_is_garbled_is_sent_once_and_not_called_harmless(
    sim: Simulator, client: Client, kind: Any, count: int
) -> None:
    sim.faults.add(Fault(kind))
    with pytest.raises(UnexpectedAnswer) as caught:
        client.create_batch(count)
    assert not caught.value.nothing_done
    assert [request.method for request in sim.requests] == ["POST"]
    assert len(sim.batches) == 1


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "reset_mid_body"])
def test_a_connection_that_breaks_is_no_answer(sim: Simulator, client: Client, kind: Any) -> None:
    sim.faults.add(Fault(kind))
    with pytest.raises(NoAnswer) as caught:
        client.create_batch(1)
    assert not caught.value.nothing_done
    assert len(sim.requests) == 1


def test_a_body_shorter_than_its_length_says_is_no_answer(connect: Callable[..., Client]) -> None:
    whole = json.dumps({"data": {"batch_id": ID, "status": "pending"}}).encode()
    answer = Answer(body=whole, headers={"Content-Length": str(len(whole) + 10), "Connection": "close"})
    with pytest.raises(NoAnswer):
        ask(connect, answer, lambda client: client.get_batch(ID))

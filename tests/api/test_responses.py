"""Responses that are not of the documented form: unknown fields are ignored, missing ones are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from api.calls import ID
from api.canned import Answer, Canned

from pulumi_anchorbrowser.api import ApiError, BadRequest, BatchDeleted, Client, NoAnswer, ServerError, UnexpectedAnswer
from pulumi_anchorbrowser.simulator import Fault, Simulator

OTHER_ID = "0e4b8a6c-1111-4222-8333-944445555666"
LONE = "\\ud83d"
MORE_THAN_ANY = [-1, -(10**30), 10**9 + 1, 10**30]


def ask(connect: Callable[..., Client], answer: Answer, call: Callable[[Client], Any]) -> Any:
    with Canned(answer) as server:
        try:
            return call(connect(server.url))
        finally:
            assert len(server.requests) == 1


def test_fields_and_words_that_the_client_does_not_know_are_tolerated(connect: Callable[..., Client]) -> None:
    data = {
        "batch_id": ID,
        "status": "hibernating",
        "total_requests": 1,
        "new_field": {"x": 1},
        "sessions": [{"session_id": ID, "status": "dreaming", "colour": "blue"}],
    }
    batch = ask(connect, Answer.data(data), lambda client: client.get_batch(ID))
    assert (batch.status, batch.sessions[0].status) == ("hibernating", "dreaming")


def test_a_count_that_the_response_leaves_out_is_unknown_and_not_zero(connect: Callable[..., Client]) -> None:
    cancelled = ask(connect, Answer.data({}), lambda client: client.cancel_batch(ID).value())
    assert cancelled.cancelled_sessions is None
    deleted = ask(connect, Answer.data({}), lambda client: client.delete_batch(ID).value())
    assert (deleted.deleted_sessions, deleted.failed_deletions, deleted.errors) == (None, None, ())
    summary = ask(connect, Answer.data({"batch_id": ID, "status": "pending"}), lambda client: client.get_batch(ID))
    assert (summary.total_requests, summary.sessions, summary.is_empty) == (None, None, False)


@pytest.mark.parametrize("number", MORE_THAN_ANY)
def test_a_number_that_can_count_no_sessions_is_unknown(connect: Callable[..., Client], number: int) -> None:
    deleted = ask(
        connect,
        Answer.data({"deleted_sessions": number, "failed_deletions": number}),
        lambda client: client.delete_batch(ID).value(),
    )
    assert (deleted.deleted_sessions, deleted.failed_deletions, deleted.failed) == (None, None, None)
    data = {"batch_id": ID, "status": "x", "total_requests": number, "completed_requests": number}
    batch = ask(connect, Answer.data(data), lambda client: client.get_batch(ID))
    assert (batch.total_requests, batch.completed_requests) == (None, None)
    answer = Answer.data({"cancelled_sessions": number})
    assert ask(connect, answer, lambda client: client.cancel_batch(ID).value()).cancelled_sessions is None


@pytest.mark.parametrize("number", [0, 1, 10**9])
def test_every_other_number_is_a_count(connect: Callable[..., Client], number: int) -> None:
    answer = Answer.data({"cancelled_sessions": number})
    assert ask(connect, answer, lambda client: client.cancel_batch(ID).value()).cancelled_sessions == number


@pytest.mark.parametrize(
    ("data", "failed"),
    [
        ({}, None),
        ({"errors": []}, None),
        ({"failed_deletions": 0}, 0),
        ({"failed_deletions": 2}, 2),
        ({"errors": [{"session_id": ID}]}, 1),
        ({"failed_deletions": None, "errors": [{"session_id": ID}, {"error": "x"}]}, 2),
        ({"failed_deletions": 0, "errors": [{}]}, 1),
        ({"failed_deletions": 3, "errors": [{}]}, 3),
        ({"failed_deletions": -1, "errors": None}, None),
    ],
)
def test_at_least_as_many_deletions_failed_as_there_are_errors(data: dict[str, Any], failed: int | None) -> None:
    assert BatchDeleted.model_validate(data).failed == failed


@pytest.mark.parametrize("error", [None, "it hangs", 7, {"message": "it hangs"}])
def test_an_error_of_any_form_is_a_failed_deletion(connect: Callable[..., Client], error: Any) -> None:
    answer = Answer.data({"deleted_sessions": 1, "errors": [error, {"session_id": ID, "error": error}]})
    deleted = ask(connect, answer, lambda client: client.delete_batch(ID).value())
    assert deleted.failed == 2
    assert [failed.session_id for failed in deleted.errors] == [None, ID]
    text = None if error is None else str(error)
    assert deleted.errors[1].error == text


def test_a_null_list_of_deletion_errors_is_an_empty_one(connect: Callable[..., Client]) -> None:
    answer = Answer.data({"deleted_sessions": 2, "failed_deletions": 0, "errors": None})
    assert ask(connect, answer, lambda client: client.delete_batch(ID).value()).errors == ()


def test_a_null_list_of_sessions_or_tags_is_no_error(connect: Callable[..., Client]) -> None:
    answer = Answer.data({"batch_id": ID, "status": "cancelled", "total_requests": 0, "sessions": None})
    assert ask(connect, answer, lambda client: client.get_batch(ID)).sessions is None
    answer = Answer.data({"items": [{"session_id": ID, "tags": None}]})
    assert ask(connect, answer, lambda client: client.session_statuses()).items[0].tags == ()


def test_a_batch_without_sessions_is_empty_only_where_the_api_lists_none_and_counts_none(
    connect: Callable[..., Client],
) -> None:
    def is_empty(**data: Any) -> bool:
        answer = Answer.data({"batch_id": ID, "status": "completed", **data})
        empty: bool = ask(connect, answer, lambda client: client.get_batch(ID)).is_empty
        return empty

    assert is_empty(sessions=[])
    assert is_empty(sessions=[], completed_requests=0)
    assert not is_empty()
    assert not is_empty(sessions=[], completed_requests=2)
    assert is_empty(sessions=[], status="deleted")
    assert not is_empty(sessions=[], status="processing")
    # A word that this release does not know: its sessions may be still to start.
    assert not is_empty(sessions=[], status="queued", completed_requests=0)
    assert not is_empty(sessions=[{"status": "failed"}])


@pytest.mark.parametrize("odd", [{"session_id": "all"}, {"session_id": 7}, {"session_id": None}, {}])
def test_a_session_whose_id_can_stand_in_no_path_has_none(connect: Callable[..., Client], odd: dict[str, Any]) -> None:
    sessions = [{**odd, "status": "completed"}, {"session_id": ID.upper()}]
    answer = Answer.data({"batch_id": ID, "status": "completed", "sessions": sessions})
    batch = ask(connect, answer, lambda client: client.get_batch(ID))
    assert [session.session_id for session in batch.sessions] == [None, ID]


@pytest.mark.parametrize("row", [None, 7, [], "x", {"session_id": OTHER_ID, "status": 1}, {"item_index": "first"}])
def test_an_odd_row_among_the_sessions_of_a_batch_is_passed_over_and_counted(
    connect: Callable[..., Client], row: Any
) -> None:
    data = {"batch_id": ID, "status": "completed", "sessions": [row, {"session_id": OTHER_ID}, row]}
    batch = ask(connect, Answer.data(data), lambda client: client.get_batch(ID))
    assert [session.session_id for session in batch.sessions] == [OTHER_ID]
    assert (batch.odd_rows, batch.is_empty) == (2, False)
    batch = ask(connect, Answer.data({**data, "sessions": [row]}), lambda client: client.get_batch(ID))
    assert (batch.sessions, batch.odd_rows, batch.is_empty) == ((), 1, False)


@pytest.mark.parametrize("row", [{"batch_id": ID, "status": None}, {"batch_id": "all", "status": "x"}, {}, None, 7, []])
def test_an_odd_row_of_the_list_of_batches_is_passed_over_and_counted(connect: Callable[..., Client], row: Any) -> None:
    rows = [row, {"batch_id": OTHER_ID, "status": "pending"}, row]
    answer = Answer.data({"batches": rows, "pagination": {"has_next": True, "current_page": "3", "total_pages": 9}})
    page = ask(connect, answer, lambda client: client.list_batches())
    assert [batch.batch_id for batch in page.batches] == [OTHER_ID]
    assert page.odd_rows == 2
    assert (page.pagination.has_next, page.pagination.total_pages) == (True, 9)


@pytest.mark.parametrize("row", [{"session_id": "all", "status": "running"}, {"status": "x"}, {}, None, 7])
def test_an_odd_row_of_the_lists_of_sessions_is_passed_over_and_counted(
    connect: Callable[..., Client], row: Any
) -> None:
    good = {"session_id": OTHER_ID, "tags": ["a"]}
    answer = Answer.data({"count": 2, "items": [row, good]})
    statuses = ask(connect, answer, lambda client: client.session_statuses())
    assert [item.session_id for item in statuses.items] == [OTHER_ID]
    assert (statuses.odd_rows, statuses.count) == (1, 2)
    row = {**row, "id": row.get("session_id")} if isinstance(row, dict) else row
    answer = Answer.data({"sessions": [row, {"id": OTHER_ID}], "total": 2, "page": "first"})
    page = ask(connect, answer, lambda client: client.list_sessions(ID))
    assert [session.id for session in page.sessions] == [OTHER_ID]
    assert (page.odd_rows, page.total) == (1, 2)


def test_a_session_without_a_status_is_a_row_like_any_other(connect: Callable[..., Client]) -> None:
    """A claim must be found whatever the session's status."""
    answer = Answer.data({"items": [{"session_id": ID, "status": None, "tags": ["claim"]}]})
    statuses = ask(connect, answer, lambda client: client.session_statuses())
    assert [(item.status, item.tags) for item in statuses.items] == [(None, ("claim",))]
    assert statuses.odd_rows == 0


@pytest.mark.parametrize(
    ("call", "data", "field"),
    [
        (lambda c: c.create_batch(1).value(), {"status": "pending"}, "batch_id"),
        (lambda c: c.create_batch(1).value(), {"batch_id": "all"}, "batch_id"),
        (lambda c: c.create_batch(1).value(), {"batch_id": None}, "batch_id"),
        (lambda c: c.create_batch(1).value(), ["not an object"], "data"),
        (lambda c: c.get_batch(ID), {"batch_id": ID}, "status"),
        (lambda c: c.get_batch(ID), {"batch_id": ID, "status": "failed", "total_requests": "many"}, "total_requests"),
        (lambda c: c.get_batch(ID), {"batch_id": ID, "status": "x", "sessions": {"status": "x"}}, "sessions"),
        (lambda c: c.list_batches(), {"batches": []}, "pagination"),
        (lambda c: c.list_batches(), {"batches": {}, "pagination": {"has_next": False}}, "batches"),
        (lambda c: c.list_batches(), {"batches": [], "pagination": {}}, "pagination.has_next"),
        (lambda c: c.session_statuses(), {"count": 1}, "items"),
        (lambda c: c.list_sessions(ID), {"total": 1}, "sessions"),
        (lambda c: c.billing(), {"credits": "plenty"}, "credits"),
        (lambda c: c.cancel_batch(ID).value(), {"cancelled_sessions": "all"}, "cancelled_sessions"),
    ],
)
def test_a_field_that_is_missing_or_invalid_is_named(
    connect: Callable[..., Client], call: Callable[[Client], Any], data: Any, field: str
) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        ask(connect, Answer.data(data), call)
    assert f"the response (HTTP 200) has missing or invalid fields: {field}." in str(caught.value)


@pytest.mark.parametrize(
    "error", [b"<html>Bad gateway</html>", b"", b"null", b'{"error": "x"}', b'{"error": {"message": ["a"]}}', b"[1]"]
)
def test_an_error_body_of_any_form_still_has_its_status_named(connect: Callable[..., Client], error: bytes) -> None:
    with pytest.raises(ServerError, match="HTTP 502"):
        ask(connect, Answer(502, error), lambda client: client.get_batch(ID))


def test_a_long_message_of_many_lines_is_cut_and_on_one_line(connect: Callable[..., Client]) -> None:
    answer = Answer.error(400, "first line\nsecond\t line " + "x" * 5000)
    with pytest.raises(ApiError) as caught:
        ask(connect, answer, lambda client: client.create_batch(1).value())
    text = str(caught.value)
    assert "first line second line" in text
    assert "\n" not in text
    assert len(text) < 500


def test_half_an_emoji_in_an_error_is_replaced(connect: Callable[..., Client]) -> None:
    answer = Answer(400, f'{{"error": {{"code": 400, "message": "Tag too long: {LONE}"}}}}'.encode())
    with pytest.raises(BadRequest) as caught:
        ask(connect, answer, lambda client: client.create_batch(1).value())
    assert "HTTP 400: Tag too long: \ufffd." in str(caught.value)
    assert str(caught.value).encode()


def test_half_an_emoji_is_replaced_in_every_text_and_a_whole_one_is_kept(connect: Callable[..., Client]) -> None:
    body = (
        f'{{"data": {{"batch_id": "{ID}", "status": "{LONE}", "error": "a{LONE}\\ude00b", "completed_requests": 1,'
        f' "sessions": [{{"session_id": "{ID}", "error": "{LONE}x", "cdp_url": "{LONE}"}}]}}}}'
    )
    batch = ask(connect, Answer(body=body.encode()), lambda client: client.get_batch(ID))
    assert (batch.status, batch.error, batch.sessions[0].error) == ("\ufffd", "a\U0001f600b", "\ufffdx")
    body = f'{{"data": {{"items": [{{"session_id": "{ID}", "tags": ["{LONE}"]}}]}}}}'
    assert ask(connect, Answer(body=body.encode()), lambda c: c.session_statuses()).items[0].tags == ("\ufffd",)


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b" \n"])
def test_a_byte_order_mark_and_space_before_the_json_are_tolerated(
    connect: Callable[..., Client], prefix: bytes
) -> None:
    answer = Answer(body=prefix + Answer.data({"batch_id": ID, "status": "x"}).body)
    assert ask(connect, answer, lambda client: client.get_batch(ID)).status == "x"


def test_bytes_that_are_no_utf_8_are_replaced(connect: Callable[..., Client]) -> None:
    with pytest.raises(BadRequest, match="HTTP 400: caf\ufffd"):
        ask(connect, Answer(400, b'{"error": {"code": 400, "message": "caf\xe9"}}'), lambda c: c.list_batches())


@pytest.mark.parametrize("kind", ["garbled", "truncated", "html"])
@pytest.mark.parametrize("count", [1, 200])
def test_a_create_whose_response_is_garbled_is_lost_and_sent_once(
    sim: Simulator, client: Client, kind: Any, count: int
) -> None:
    sim.faults.add(Fault(kind))
    outcome = client.create_batch(count)
    assert outcome.was_lost
    assert isinstance(outcome.error, UnexpectedAnswer)
    assert [request.method for request in sim.requests] == ["POST"]
    assert len(sim.batches) == 1


def test_a_body_shorter_than_its_length_says_is_a_lost_response(connect: Callable[..., Client]) -> None:
    whole = json.dumps({"data": {"batch_id": ID, "status": "pending"}}).encode()
    answer = Answer(body=whole, headers={"Content-Length": str(len(whole) + 10), "Connection": "close"})
    with pytest.raises(NoAnswer, match="the connection broke before the whole response arrived"):
        ask(connect, answer, lambda client: client.get_batch(ID))

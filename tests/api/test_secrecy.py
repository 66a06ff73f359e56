"""The key is in no repr and no message, whatever a server responds."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
from api.canned import Answer, Canned, Received

from pulumi_anchorbrowser.api import ApiError, ApiKeys, Client
from pulumi_anchorbrowser.simulator import Simulator

KEY = "sk-3f9a0b7c6d5e4f3a2b1c"
SECOND = "sk-77aa88bb99cc00dd11ee"
ID = "964bb823-e620-4758-ac4d-f9760511f4d8"


def everything(error: BaseException) -> str:
    """Whatever a traceback, a log or a debugger's variables would show of the error."""
    return "\n".join([str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)])


def test_the_key_is_in_no_repr(connect: Callable[..., Client]) -> None:
    keys = ApiKeys(KEY, SECOND)
    client = connect("https://api.example.com", keys)
    for shown in (repr(keys), str(keys), repr(client), str(client), repr(client.second_key()), repr(client.account())):
        assert KEY not in shown
        assert SECOND not in shown


def echo(status: int) -> Callable[[Received], Answer]:
    return lambda request: Answer.error(status, f"the key {request.headers['anchor-api-key']} may not {status}")


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 409, 422, 429, 500, 503])
def test_a_server_that_echoes_the_key_in_its_message_reveals_nothing(
    connect: Callable[..., Client], status: int
) -> None:
    with Canned(echo(status)) as server, pytest.raises(ApiError) as caught:
        connect(server.url, KEY).get_batch(ID)
    assert server.requests[0].headers["anchor-api-key"] == KEY
    assert f"the key [key] may not {status}" in str(caught.value)
    assert KEY not in everything(caught.value)


def test_the_key_is_still_hidden_where_the_message_is_cut_in_the_middle_of_it(connect: Callable[..., Client]) -> None:
    for padding in range(275, 300, 4):
        with Canned(Answer.error(400, "x" * padding + KEY)) as server, pytest.raises(ApiError) as caught:
            connect(server.url, KEY).get_batch(ID)
        assert KEY[:6] not in everything(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, KEY.encode()),
        Answer.data({"batch_id": KEY, "status": KEY}),
        Answer.data({KEY: KEY}),
        Answer(302, KEY.encode(), {"Location": f"/{KEY}"}),
        Answer(500, f"<html>{KEY}</html>".encode()),
    ],
)
def test_a_strange_answer_that_holds_the_key_reveals_nothing(connect: Callable[..., Client], answer: Answer) -> None:
    with Canned(answer) as server, pytest.raises(ApiError) as caught:
        connect(server.url, KEY).get_batch(ID)
    assert KEY not in everything(caught.value)


def test_a_refused_key_stays_hidden_once_the_second_one_is_in_use(connect: Callable[..., Client]) -> None:
    def answer(request: Received) -> Answer:
        if request.headers["anchor-api-key"] == KEY:
            return Answer.error(401, "unknown")
        return Answer.error(403, f"neither {KEY} nor {SECOND} may do this")

    with Canned(answer) as server, pytest.raises(ApiError, match="HTTP 403") as caught:
        connect(server.url, ApiKeys(KEY, SECOND)).second_key().get_batch(ID)
    assert SECOND not in everything(caught.value)
    assert KEY not in everything(caught.value)


def test_no_connection_reveals_nothing(connect: Callable[..., Client]) -> None:
    with pytest.raises(ApiError) as caught:
        connect("http://127.0.0.1:1", KEY).get_batch(ID)
    assert KEY not in everything(caught.value)


def test_a_proxys_password_in_a_refused_configuration_is_hidden(connect: Callable[..., Client]) -> None:
    def answer(request: Received) -> Answer:
        return Answer.error(400, f"cannot use {request.body.decode()}")

    proxy = {"active": True, "type": "custom", "server": "http://h:1", "username": "me", "password": "hunter2"}
    with Canned(answer) as server:
        outcome = connect(server.url).create_batch(1, {"session": {"proxy": proxy}})
    assert outcome.error is not None
    assert "[secret]" in str(outcome.error)
    assert "hunter2" not in everything(outcome.error)
    assert "hunter2" not in repr(outcome)


def test_a_secret_is_hidden_as_it_stands_in_json_and_so_are_the_values_of_an_integration(
    connect: Callable[..., Client],
) -> None:
    def answer(request: Received) -> Answer:
        return Answer.error(400, f"cannot use {request.body.decode()}")

    configuration = {
        "session": {"proxy": {"password": 'h\u00fcnter"2', "country_code": "de"}},
        "integrations": [{"id": "one", "type": "1PASSWORD", "configuration": {"token": "ops_hunter3", "more": ["4h"]}}],
    }
    with Canned(answer) as server:
        said = str(connect(server.url).create_batch(1, configuration).error)
    assert "1PASSWORD" in said
    assert [part for part in ("nter", "hunter3", "4h") if part in said] == []


@pytest.mark.parametrize("call", ["cancel_batch", "delete_batch"])
def test_a_key_that_a_success_echoes_is_in_no_value(connect: Callable[..., Client], call: str) -> None:
    data = {
        "batch_id": ID,
        "status": "cancelled",
        "cancelled_sessions": 1,
        "deleted_sessions": 1,
        "failed_deletions": 1,
    }
    echo = {**data, "message": f"done with {KEY}", "errors": [{"session_id": "s-1", "error": f"{KEY} may not"}]}
    with Canned(Answer.data(echo)) as server:
        outcome = getattr(connect(server.url, KEY), call)(ID)
    assert outcome.error is None
    assert KEY not in repr(outcome.value())
    assert "[key]" in repr(outcome.value())


@pytest.mark.parametrize(
    "proxy",
    [
        "http://me:hunter2@host:port",
        "http://me:hunter2@[::1",
        "me:hunter2@host:1",
        "socks9://me:hunter2@host",
        # A letter that ends the address, so that the password is taken for a port.
        "http://me:hunter2#1@host:1",
        "http://me:hunter2/1@host:1",
        "my_user:hunter2?1@host:1",
    ],
)
def test_the_password_of_the_environments_proxy_is_in_no_error(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    outcome = connect("https://api.anchor.invalid", connect_timeout=2).create_batch(1)
    assert outcome.error is not None
    assert not outcome.was_lost
    assert "hunter2" not in everything(outcome.error)


@pytest.mark.parametrize("unfit", [f"{KEY}\r\nX-Evil: 1", f"{KEY}\n{SECOND}", f"\u201c{KEY}\u201d", "", " "])
def test_a_key_that_cannot_stand_in_a_header_is_refused_without_being_shown(sim: Simulator, unfit: str) -> None:
    def use() -> None:
        Client(sim.url, ApiKeys(unfit)).list_batches()

    with pytest.raises(ValueError, match=r"^an API key must not ") as caught:
        use()
    assert KEY not in everything(caught.value)
    assert sim.requests == []


def test_the_line_break_that_a_key_from_a_file_brings_along_is_not_part_of_it(sim: Simulator) -> None:
    sim.rotate_key("key-of-a-8c1f", KEY)
    assert Client(sim.url, ApiKeys(f" {KEY}\n")).list_batches().batches == ()
    with pytest.raises(ApiError, match="HTTP 401"):
        Client(sim.url, ApiKeys("wrong-key", "wrong-key\n")).list_batches()
    assert [request.status for request in sim.requests] == [200, 401]

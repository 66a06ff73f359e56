"""The API's clock is known from its responses, whatever this machine's clock says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from api.canned import Answer, Canned
from api.clocks import JumpingClock

from pulumi_anchorbrowser.api import ApiError, Client

PAGE = {"batches": [], "pagination": {"has_next": False}}
LATER = datetime(2040, 5, 6, 7, 8, 9, tzinfo=timezone.utc)


def dated(answer: Answer, date: str) -> Answer:
    answer.headers["Date"] = date
    return answer


def test_the_apis_time_is_unknown_before_its_first_response(connect: Callable[..., Client]) -> None:
    client = connect("http://127.0.0.1:1")
    assert client.api_time() is None
    with pytest.raises(ApiError):
        client.list_batches()
    assert client.api_time() is None


def test_the_apis_time_goes_on_from_its_last_response(connect: Callable[..., Client]) -> None:
    clock = JumpingClock()
    dates = iter([LATER - timedelta(days=1), LATER])
    with Canned(lambda _: dated(Answer.data(PAGE), format_datetime(next(dates), usegmt=True))) as server:
        client = connect(server.url, clock=clock)
        client.list_batches()
        client.list_batches()
    clock.sleep(60)
    told = client.api_time()
    assert told is not None
    assert told.tzinfo is not None
    assert timedelta(seconds=60) <= told - LATER < timedelta(seconds=70)
    second = client.second_key().api_time()
    assert second is not None
    assert second >= told


def test_an_error_response_has_the_apis_time_too(connect: Callable[..., Client]) -> None:
    with Canned(dated(Answer.error(500, "down"), format_datetime(LATER, usegmt=True))) as server:
        client = connect(server.url)
        client.create_batch(1)
    told = client.api_time()
    assert told is not None
    assert told >= LATER


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Foo 2026 00:00:00 GMT", "Fri, 31 Feb 2026 10:00:00 GMT"])
def test_a_date_that_is_none_is_ignored(connect: Callable[..., Client], date: str) -> None:
    with Canned(dated(Answer.data(PAGE), date)) as server:
        client = connect(server.url)
        client.list_batches()
    assert client.api_time() is None

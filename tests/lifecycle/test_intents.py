"""What a preview says of a change: what it will start and stop."""

from __future__ import annotations

from typing import Any

import pytest
from lifecycle.one_batch import ID, OTHER_ID, news_of, record

from pulumi_anchorbrowser.lifecycle import changes_between
from pulumi_anchorbrowser.lifecycle.messages import intent_of


@pytest.mark.parametrize(
    ("before", "change", "said"),
    [
        ({}, {"count": 6}, f"this change starts 6 browsers, then deletes batch {ID}: up to 4 browsers and their data"),
        ({"on_destroy": "cancel"}, {"count": 1}, "starts 1 browser, then cancels"),
        ({"live_status": "deleted", "still_running": 0}, {"count": 6}, "this change starts 6 browsers"),
        ({}, {"status": "cancelled"}, f"this change cancels batch {ID}: up to 4 browsers; their data is kept"),
        ({}, {"status": "deleted"}, f"this change deletes batch {ID}: up to 4 browsers and their data"),
        ({}, {"on_missing": "recreate"}, None),
        (
            {"status": "cancelled", "live_status": "cancelled", "still_running": 0},
            {"count": 9, "status": "cancelled"},
            None,
        ),
    ],
)
def test_a_change_says_what_it_will_start_and_stop(
    before: dict[str, Any], change: dict[str, Any], said: str | None
) -> None:
    olds = record(**{"count": 4, "total_requests": 4, **before})
    news = news_of(olds, **change)
    changes = changes_between(ID, olds.to_outputs(), news, lambda _: False)
    intent = intent_of(olds, news, changes)
    assert (intent is None) is (said is None)
    assert said is None or said in str(intent)


def test_a_change_to_another_batch_names_it() -> None:
    olds = record(count=None, adopted=True, total_requests=1)
    news = {**news_of(olds), "batch_id": OTHER_ID}
    changes = changes_between(ID, olds.to_outputs(), news, lambda _: False)
    assert f"adopts batch {OTHER_ID}, then deletes batch {ID}: up to 1 browser" in str(intent_of(olds, news, changes))


def test_a_count_that_is_not_known_yet_is_another_batch() -> None:
    unknown = object()
    olds = record(count=4, total_requests=4)
    news = {**news_of(olds), "count": unknown}
    changes = changes_between(ID, olds.to_outputs(), news, lambda value: value is unknown)
    assert "starts another batch, then deletes" in str(intent_of(olds, news, changes))

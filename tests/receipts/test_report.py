"""The report over receipts: filters, totals in which each session counts once, and a summary in plain English."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receipts.store_support import BATCH, OTHER_BATCH, OTHER_OWNER, OWNER, subject

from pulumi_anchorbrowser.receipts import Receipt
from pulumi_anchorbrowser.receipts.report import ReceiptsReport, merged

NOON = datetime(2025, 11, 22, 12, tzinfo=timezone.utc)


class Made:
    """Receipts as a store would have them, a second apart."""

    def __init__(self, run: str = "run-1") -> None:
        self.run = run
        self._numbers = itertools.count(1)

    def __call__(self, operation: Any, outcome: Any = "done", batch: str | None = BATCH, **values: Any) -> Receipt:
        number, count = next(self._numbers), values.pop("count", None)
        owner = values.pop("owner", OWNER)
        at = NOON + timedelta(seconds=number)
        values = {"answered_at": at, "run": self.run, **values}
        return Receipt(
            id=number,
            operation=operation,
            subject=subject(batch_id=batch, count=count, owner=owner),
            intended_at=at,
            outcome=outcome,
            **values,
        )


@pytest.fixture
def made() -> Made:
    return Made()


def totals(*receipts: Receipt) -> dict[str, int | None]:
    return ReceiptsReport(receipts).totals()


# Totals


def test_without_receipts_nothing_was_called_and_no_count_was_said() -> None:
    assert totals() == {
        "calls": 0,
        "started_batches": 0,
        "requested_sessions": 0,
        "stopped_sessions": None,
        "cancelled_sessions": None,
        "ended_sessions": None,
        "deleted_sessions": None,
        "failed_deletions": None,
        "gone_calls": 0,
        "refused_calls": 0,
        "unknown_calls": 0,
    }


def test_requested_sessions_are_those_of_creates_that_were_done(made: Made) -> None:
    found = totals(
        made("create", count=5),
        made("create", batch=OTHER_BATCH, count=7),
        made("create", "refused", None, count=100),
        made("create", "unknown", None, count=100),
        made("create", None, None, count=100),
        made("create", "settled", count=100),
    )
    assert (found["started_batches"], found["requested_sessions"]) == (2, 12)
    assert (found["refused_calls"], found["unknown_calls"]) == (1, 2)


def test_sessions_that_were_ended_and_deleted_later_are_counted_once(made: Made) -> None:
    """17 browsers, of which 3 were ended before the batch was deleted, are 17 stopped browsers."""
    found = totals(
        made("create", count=17),
        made("end_sessions", ended_sessions=3, ended=("a", "b", "c")),
        made("delete", deleted_sessions=17, failed_deletions=0),
    )
    assert (found["ended_sessions"], found["deleted_sessions"], found["stopped_sessions"]) == (3, 17, 17)


@pytest.mark.parametrize(
    ("stops", "stopped"),
    [
        ([("cancel", {"cancelled_sessions": 4}), ("delete", {"deleted_sessions": 5})], 5),
        ([("cancel", {"cancelled_sessions": 4}), ("delete", {"deleted_sessions": 2})], 4),
        ([("cancel", {"cancelled_sessions": 4}), ("end_sessions", {"ended_sessions": 1, "ended": ("a",)})], 5),
        ([("delete", {"deleted_sessions": 3}), ("delete", {"deleted_sessions": 2})], 5),
        ([("delete", {"deleted_sessions": 3}), ("end_sessions", {"ended_sessions": 2, "ended": ("a", "b")})], 5),
        ([("cancel", {"cancelled_sessions": 3}), ("cancel", {"cancelled_sessions": 3})], 3),
        ([("cancel", {"cancelled_sessions": 0}), ("cancel", {"cancelled_sessions": 3})], 3),
        ([("end_sessions", {"ended_sessions": 2, "ended": ("a", "b")})] * 2, 2),
        ([("end_sessions", {"ended_sessions": 3, "ended": ("a",)})], 3),
        ([("cancel", {"cancelled_sessions": 5}), ("end_sessions", {"ended_sessions": 2, "ended": ("a", "b")})], 5),
        ([("cancel", {"cancelled_sessions": 0})], 0),
        ([("delete", {})], None),
    ],
)
def test_distinct_stopped_sessions_are_bounded_by_what_is_known(
    made: Made, stops: list[tuple[str, dict[str, Any]]], stopped: int | None
) -> None:
    started = made("create", count=5)
    assert totals(started, *(made(operation, **said) for operation, said in stops))["stopped_sessions"] == stopped


def test_each_batch_has_bounds_of_its_own(made: Made) -> None:
    found = totals(
        made("create", count=2),
        made("create", batch=OTHER_BATCH, count=10),
        made("cancel", cancelled_sessions=2),
        made("delete", deleted_sessions=2),
        made("delete", batch=OTHER_BATCH, deleted_sessions=10),
    )
    assert found["stopped_sessions"] == 12


def test_a_retry_raises_the_bound_by_the_sessions_that_it_retried(made: Made) -> None:
    ended = made("end_sessions", ended_sessions=3, ended=("a", "b", "c"))
    cancelled = made("cancel", cancelled_sessions=5)
    assert totals(made("create", count=5), made("retry", count=2), cancelled, ended)["stopped_sessions"] == 7
    assert totals(made("create", count=5), made("retry", "refused", count=2), cancelled, ended)["stopped_sessions"] == 5


def test_sessions_that_belong_to_no_batch_are_counted_by_their_ids(made: Made) -> None:
    found = totals(
        made("create", None, None, count=1),
        made("end_sessions", batch=None, ended_sessions=2, ended=("a", "b")),
        made("end_sessions", batch=None, ended_sessions=2, ended=("b", "c")),
    )
    assert (found["ended_sessions"], found["stopped_sessions"]) == (3, 3)


@given(
    count=st.none() | st.integers(1, 20),
    stops=st.lists(
        st.tuples(
            st.sampled_from(["cancel", "end_sessions", "delete"]),
            st.none() | st.integers(0, 20),
            st.frozensets(st.sampled_from("abcdef")),
        )
    ),
)
def test_stopped_sessions_lie_between_each_count_and_their_sum(
    count: int | None, stops: list[tuple[str, int | None, frozenset[str]]]
) -> None:
    made, receipts = Made(), []
    if count is not None:
        receipts.append(made("create", count=count))
    for operation, number, ids in stops:
        said = {"cancel": {"cancelled_sessions": number}, "delete": {"deleted_sessions": number}}
        ended = {"ended_sessions": len(ids) if number is not None else None, "ended": tuple(sorted(ids))}
        receipts.append(made(operation, **said.get(operation, ended)))
    found = totals(*receipts)
    counts = [found[f"{name}_sessions"] for name in ("cancelled", "ended", "deleted")]
    known = [number for number in counts if number is not None]
    stopped = found["stopped_sessions"]
    assert (stopped is None) is (not known)
    if stopped is not None:
        bound = count if count is not None else sum(known)
        assert min(max(known), bound) <= stopped <= min(sum(known), bound)


def test_a_404_to_a_stop_is_gone_and_not_refused(made: Made) -> None:
    report = ReceiptsReport([made("delete", "gone", http_status=404), made("cancel", "refused", http_status=403)])
    found = report.totals()
    assert (found["gone_calls"], found["refused_calls"], found["unknown_calls"]) == (1, 1, 0)
    assert report.summary() == "2 calls, 1 already gone, 1 refused"
    assert "| delete | " + BATCH + " | already gone |" in report.to_markdown()


@pytest.mark.parametrize(
    ("deletions", "failed"),
    [
        ([{"failed_deletions": 2}, {"failed_deletions": 0}], 0),
        ([{"failed_deletions": 2}, {"failed_deletions": 1}], 1),
        ([{"failed_deletions": 2}, {"outcome": "unknown"}], 2),
        ([{"failed_deletions": 2}, {"outcome": "gone"}], 0),
        ([{"outcome": "gone"}], None),
        ([{}], None),
    ],
)
def test_failed_deletions_are_those_that_the_last_response_about_a_batch_left(
    made: Made, deletions: list[dict[str, Any]], failed: int | None
) -> None:
    found = totals(made("delete", batch=OTHER_BATCH), *(made("delete", **said) for said in deletions))
    assert found["failed_deletions"] == failed


# The summary


@pytest.mark.parametrize(
    ("count", "deleted", "summary"),
    [
        (1, 1, "2 calls, 1 batch started (1 session requested), 1 session stopped (1 deleted)"),
        (2, 2, "2 calls, 1 batch started (2 sessions requested), 2 sessions stopped (2 deleted)"),
        (3, 0, "2 calls, 1 batch started (3 sessions requested), 0 sessions stopped (0 deleted)"),
        (3, None, "2 calls, 1 batch started (3 sessions requested)"),
    ],
)
def test_the_summary_has_the_plural_that_its_numbers_need(
    made: Made, count: int, deleted: int | None, summary: str
) -> None:
    report = ReceiptsReport([made("create", count=count), made("delete", deleted_sessions=deleted)])
    assert report.summary() == summary


def test_the_summary_names_every_kind_of_trouble(made: Made) -> None:
    report = ReceiptsReport(
        [
            made("delete", deleted_sessions=3, failed_deletions=1),
            made("delete", "gone", OTHER_BATCH),
            made("create", "refused", None),
            made("create", "unknown", None),
            made("create", None, None),
        ]
    )
    assert report.summary() == (
        "5 calls, 3 sessions stopped (3 deleted), 1 session not deleted, 1 already gone, 1 refused, "
        "2 with an unknown outcome"
    )
    assert ReceiptsReport([]).summary() == "0 calls"


def test_a_refused_cancel_whose_sessions_were_ended_or_deleted_instead_is_named_as_such(made: Made) -> None:
    cancels = [made("cancel", "refused", batch, http_status=409) for batch in (BATCH, OTHER_BATCH)]
    ended = made("end_sessions", ended_sessions=3, ended=("a", "b", "c"))
    expected = "3 sessions stopped (3 ended), 2 refused (1 cancel replaced by ending or deleting)"
    assert ReceiptsReport([*cancels, ended]).summary() == f"3 calls, {expected}"
    by_a_later_run = replace(made("delete", batch=OTHER_BATCH), run="run-2")
    assert ReceiptsReport([*cancels, ended, by_a_later_run]).summary() == f"4 calls, {expected}"
    for_another_reason = replace(cancels[0], http_status=403)
    assert "replaced" not in ReceiptsReport([for_another_reason, ended]).summary()


# Rows and Markdown


def test_a_row_has_every_field_that_is_documented_and_no_account(made: Made) -> None:
    (row,) = ReceiptsReport([made("delete", deleted_sessions=2, still_running=0, confirmed_at="then")]).to_rows()
    assert row == {
        "id": 1,
        "run": "run-1",
        "operation": "delete",
        "owner": OWNER,
        "urn": subject().urn,
        "resource": "a",
        "claim": subject().claim,
        "batch_id": BATCH,
        "count": None,
        "outcome": "done",
        "http_status": None,
        "intended_at": "2025-11-22T12:00:01+00:00",
        "answered_at": "2025-11-22T12:00:01+00:00",
        "cancelled_sessions": None,
        "ended_sessions": None,
        "deleted_sessions": 2,
        "failed_deletions": None,
        "still_running": 0,
        "confirmed_at": "then",
        "was_lost": False,
        "note": None,
    }


def test_the_markdown_has_the_summary_and_a_line_for_each_call(made: Made) -> None:
    report = ReceiptsReport(
        [
            made("create", count=5),
            made("cancel", "unknown", was_lost=True),
            made("delete", deleted_sessions=3, failed_deletions=2, still_running=2),
            made("retry", None, count=1),
        ]
    )
    lines = report.to_markdown().splitlines()
    assert lines[:4] == ["### AnchorBrowser: what was done", "", f"{report.summary()}.", ""]
    assert lines[4].count("|") == lines[5].count("|") == 9
    before = f"| {OWNER} | a |"
    assert lines[6:] == [
        f"| 2025-11-22 12:00:01 {before} create | {BATCH} | done | 5 requested |  |",
        f"| 2025-11-22 12:00:02 {before} cancel | {BATCH} | unknown outcome (a response was lost) |  |  |",
        f"| 2025-11-22 12:00:03 {before} delete | {BATCH} | done | 3 deleted, 2 failed, 2 still running |  |",
        f"| 2025-11-22 12:00:04 {before} retry | {BATCH} | no known end | 1 requested |  |",
    ]


def test_a_note_cannot_break_the_markdown(made: Made) -> None:
    report = ReceiptsReport([made("delete", note="a | b\n<script> \\")])
    assert report.to_markdown().endswith("| a \\| b &lt;script> \\\\ |")


# Filters


def test_receipts_are_filtered_by_stack_run_batch_and_time(made: Made) -> None:
    other_run = Made("run-2")
    receipts = [made("create"), made("delete", owner=OTHER_OWNER), other_run("delete", batch=OTHER_BATCH)]
    report = ReceiptsReport(receipts)

    def chosen(**given: Any) -> list[int]:
        return [receipts.index(one) for one in report.of(**given).receipts]

    assert chosen() == [0, 1, 2]
    assert chosen(owner=OWNER) == [0, 2]
    assert chosen(run="run-1") == chosen(run="run-1", batch_id=BATCH) == [0, 1]
    assert chosen(run="run") == [0, 1, 2]
    assert chosen(batch_id=OTHER_BATCH) == [2]
    assert chosen(since=receipts[1].intended_at) == [1]
    assert chosen(until=receipts[1].intended_at) == [0, 2]
    assert chosen(since=NOON, until=NOON + timedelta(seconds=1)) == []
    assert [one.run for one in report.last_run().receipts] == ["run-2"]
    assert ReceiptsReport([]).last_run().receipts == ()


# Several files


def test_the_receipts_of_several_files_are_in_the_order_of_time() -> None:
    first, second = Made("run-1"), Made("run-2")
    ours = [first("create"), replace(first("delete"), intended_at=NOON + timedelta(seconds=10))]
    theirs = [second("create"), second("delete")]
    assert merged([ours, theirs]) == merged([theirs, ours]) != [*ours, *theirs]
    assert [(one.run, one.operation) for one in merged([ours, theirs])][1:] == [
        ("run-2", "create"),
        ("run-2", "delete"),
        ("run-1", "delete"),
    ]


def test_a_receipt_that_several_files_have_is_taken_once_as_the_latest_has_it(made: Made) -> None:
    begun = made("end_sessions", None, answered_at=None, ended=("a",))
    further = replace(begun, ended=("a", "b"))
    done = replace(further, outcome="done", answered_at=NOON, ended_sessions=2)
    for order in itertools.permutations([[begun], [further], [done]]):
        assert merged(order) == [done]
    assert merged([[further], [begun]]) == merged([[begun], [further]]) == [further]
    assert merged([]) == []


def test_receipts_with_the_same_number_in_two_files_are_two() -> None:
    ours, theirs = Made("run-1")("create"), Made("run-2")("create")
    assert (ours.id, theirs.id) == (1, 1)
    assert len(merged([[ours], [theirs]])) == 2

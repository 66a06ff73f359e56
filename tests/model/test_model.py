"""The core against a small model of the API: every life of a stack with one batch, up to a stated length."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from model.searches import LONG, SHORT, Search
from model.world import OWNER, URN, ModelReceipts

from pulumi_anchorbrowser.receipts import Receipt, Receipts, Subject


def _try_all(search: Search, record_property: Any, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.process_time()
    lives = search.lives()
    lives.try_all(search.world())
    told = (
        f"{search.name}: {lives.lives:,} lives of at most {search.length} runs and {search.faults} faults, in "
        f"{lives.runs:,} runs over {lives.worlds:,} worlds; at most {lives.most_choices} choices in a run; "
        f"{time.process_time() - began:.0f} s"
    )
    record_property("lives", told)
    with capsys.disabled():
        # Not stdout: under xdist a worker speaks to its controller there.
        sys.stderr.write(f"\n{told}\n")
    assert not lives.broken, "\n".join("\n  ".join((promise, *life)) for promise, life in lives.broken.items())
    assert lives.lives >= search.at_least


@pytest.mark.parametrize("search", SHORT, ids=str)
def test_every_promise_holds_in_every_life(
    search: Search, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _try_all(search, record_property, capsys)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("search", LONG, ids=str)
def test_every_promise_holds_in_longer_lives(
    search: Search, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _try_all(search, record_property, capsys)


def test_the_short_searches_try_200_000_lives() -> None:
    assert sum(search.at_least for search in SHORT) >= 200_000


def test_the_models_receipts_do_what_the_store_does(tmp_path: Path) -> None:
    store, model = Receipts(tmp_path / "receipts.sqlite3", "run"), ModelReceipts([], "run")
    batch, sessions = "964bb823-e620-4758-ac4d-f9760511f4d8", ("s-1", "s-2", "s-3", "s-4")
    for receipts in (store, model):
        subject = Subject(OWNER, URN, "claim", "account")
        created, unknown, _ = (receipts.begin("create", subject) for _ in range(3))
        receipts.end(created, "done", batch_id=batch, http_status=None)
        receipts.end(unknown, "unknown", was_lost=True, note="reset")
        ended = receipts.begin("end_sessions", Subject(OWNER, URN, "claim", "account", batch))
        for how in ("lost", "refused", "ended", "lost", "gone"):
            receipts.session_ended(ended, sessions[0], how)
        receipts.session_ended(ended, sessions[1], "lost")
        receipts.session_ended(ended, sessions[2], "refused")
        receipts.session_ended(ended, sessions[3], "gone")
        receipts.end(ended, "unknown", ended_sessions=1, was_lost=True)
    assert _plain(store.of_batch(batch)) == _plain(model.of_batch(batch))
    assert _plain(store.all()) == _plain(model.all())
    assert store.creates_without_end(OWNER) == model.creates_without_end(OWNER) == []
    later = ModelReceipts(model.kept, "a later run")
    assert [one.id for one in later.creates_without_end(OWNER)] == [2, 3]
    assert [one.id for one in Receipts(store.place, "a later run").creates_without_end(OWNER)] == [2, 3]


def _plain(receipts: list[Receipt]) -> list[tuple[object, ...]]:
    named = [(one.ended, one.gone, one.refused, one.lost) for one in receipts]
    return [
        (one.id, one.operation, one.subject, one.outcome, one.was_lost, one.ended_sessions, *ids)
        for one, ids in zip(receipts, named, strict=True)
    ]

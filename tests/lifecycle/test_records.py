"""The record of a batch goes into the state and comes back; durations; and the marks on every session."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifecycle.one_batch import ID, all_inputs, all_records, few, inputs, record

from pulumi_anchorbrowser.api import BatchSummary
from pulumi_anchorbrowser.lifecycle import BatchInputs, BatchRecord, new_claim
from pulumi_anchorbrowser.lifecycle.durations import seconds
from pulumi_anchorbrowser.lifecycle.tags import claim_tag, is_reserved_tag, minted_at, owner_tag, run_mark_of, with_tags


@few
@given(before=all_records())
def test_a_record_comes_back_from_the_state_as_it_went(before: BatchRecord) -> None:
    assert BatchRecord.model_validate(before.to_outputs()) == before.but(resource_urn=None)


@few
@given(before=all_records())
def test_a_record_comes_back_from_an_engine_that_drops_what_is_none(before: BatchRecord) -> None:
    stored = json.loads(json.dumps({name: value for name, value in before.to_outputs().items() if value is not None}))
    assert BatchRecord.model_validate({**stored, "__provider": "x", "of_a_later_version": 1}) == before.but(
        resource_urn=None
    )


@few
@given(given_inputs=all_inputs())
def test_every_input_is_an_output_of_the_same_name(given_inputs: BatchInputs) -> None:
    outputs = BatchRecord.of(given_inputs, live_status="pending").to_outputs()
    for name, value in given_inputs.model_dump().items():
        assert outputs[name] == value


@few
@given(before=all_records(), after=all_inputs())
def test_an_update_changes_neither_the_batch_nor_the_claim_nor_a_count(before: BatchRecord, after: BatchInputs) -> None:
    updated = before.with_inputs(after)
    counts = {name for name in BatchRecord.model_fields if "sessions" in name}
    kept = {"batch_id", "claim", "owner", "account", "live_status"} | counts
    for name in kept:
        assert getattr(updated, name) == getattr(before, name)
    for name in ("count", "configuration", "metadata", "status", "on_destroy", "if_completed", "on_missing"):
        assert getattr(updated, name) == getattr(after, name)


def test_the_id_of_a_resource_is_the_batchs_own_or_says_that_there_is_none() -> None:
    assert record().id == ID
    never = BatchRecord.of(inputs(status="cancelled"), live_status="deleted")
    assert never.id == "not-started-claim-1"
    with pytest.raises(ValueError, match="no batch was ever started"):
        _ = never.known_id


@pytest.mark.parametrize(
    ("known", "stopped"),
    [
        ({"live_status": "pending"}, False),
        ({"live_status": "completed"}, False),
        ({"live_status": "failed"}, False),
        ({"live_status": "hibernating"}, False),
        ({"live_status": "cancelled"}, True),
        ({"live_status": "deleted"}, True),
        ({"live_status": "deleted", "batch_id": None}, True),
    ],
)
def test_completed_is_not_stopped(known: dict[str, Any], stopped: bool) -> None:
    """It says that creation is over: the browsers run."""
    assert record(**known).is_stopped is stopped


def test_times_once_known_stay_known() -> None:
    before = record(created_at="yesterday", completed_at="today")
    after = before.seen(BatchSummary(batch_id=ID, status="cancelled", total_requests=5))
    assert (after.created_at, after.completed_at, after.live_status) == ("yesterday", "today", "cancelled")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("10m", 600),
        ("90s", 90),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1.5h", 5400),
        ("10", 10),
        (30, 30),
        (0.5, 0.5),
        (0, 0),
        ("0s", 0),
    ],
)
def test_a_duration(text: str | float, length: float) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "soon", "10 m", "-5m", -1, -0.1, "nan", "inf", float("nan")])
def test_anything_else_is_no_duration(text: str | float) -> None:
    with pytest.raises(ValueError, match='a duration such as "10m" or "90s", or a number of seconds'):
        seconds(text)


@few
@given(length=st.floats(min_value=0, max_value=1e9))
def test_a_number_is_so_many_seconds(length: float) -> None:
    assert seconds(length) == length


NOW, MARK = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc), "a1b2c"
OWN = ["pulumi", "pulumi-owner:acme/shop/dev", "pulumi-claim:c"]


@pytest.mark.parametrize("configuration", [None, {}, {"session": {}}, {"session": {"tags": []}}, {"session": None}])
def test_every_session_is_marked_with_its_owner_and_its_claim(configuration: dict[str, Any] | None) -> None:
    assert with_tags(configuration, "acme/shop/dev", "c") == {"session": {"tags": OWN}}


def test_the_users_own_tags_and_settings_stay_and_theirs_is_not_touched() -> None:
    given_configuration = {"session": {"tags": ["mine"], "recording": {"active": True}}, "browser": {"x": 1}}
    before = json.dumps(given_configuration)
    marked = with_tags(given_configuration, "acme/shop/dev", "c")
    assert marked["session"] == {"tags": ["mine", *OWN], "recording": {"active": True}}
    assert marked["browser"] == {"x": 1}
    assert json.dumps(given_configuration) == before


def test_the_marks_are_reserved() -> None:
    for mark in (*OWN, owner_tag("x/y/z"), claim_tag(new_claim(NOW, MARK))):
        assert is_reserved_tag(mark)


def test_a_claim_is_unique_and_says_when_and_in_which_run_it_was_minted() -> None:
    claims = [new_claim(NOW, MARK) for _ in range(100)]
    assert len(set(claims)) == 100
    for claim in claims:
        assert re.fullmatch("[0-9a-f]{24}", claim)
        assert (minted_at(claim), run_mark_of(claim)) == (NOW, MARK)
    assert new_claim(NOW, MARK) < new_claim(NOW + timedelta(milliseconds=1), MARK)


@pytest.mark.parametrize("text", ["", "claim-1", "pulumi", "zzzzzzzzzzz000"])
def test_a_text_that_is_no_claim_has_no_time(text: str) -> None:
    assert minted_at(text) is None

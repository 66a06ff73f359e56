"""Which changes of a program matter, and which need a new batch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from lifecycle.one_batch import DICTIONARIES, ID, OTHER_ID, all_inputs, all_records, few, inputs, news_of, record

from pulumi_anchorbrowser.lifecycle import BatchInputs, BatchRecord, changes_between


class Unknown:
    """A value that a preview does not know."""


def is_unknown(value: object) -> bool:
    return isinstance(value, Unknown)


def diff(olds: BatchRecord, **given: Any) -> tuple[set[str], set[str]]:
    """The names that change, and those that replace, for a program changed by so much."""
    changes = changes_between(olds.id, olds.to_outputs(), news_of(olds, **given), is_unknown)
    assert len(changes.changed) == len(set(changes.changed))
    return set(changes.changed), set(changes.replaces)


ADOPTED: dict[str, Any] = {"adopted": True, "count": None}


@pytest.mark.parametrize(
    ("olds", "given_inputs", "changed", "replaces"),
    [
        ({}, {}, {}, {}),
        ({}, {"claim": "another"}, {}, {}),
        ({"live_status": "failed", "failed_requests": 5}, {}, {}, {}),
        ({"live_status": "deleted"}, {}, {}, {}),
        # While it is active, what it was started with makes a new batch.
        ({}, {"count": 6}, {"count"}, {"count"}),
        ({}, {"configuration": {"browser": {}}}, {"configuration"}, {"configuration"}),
        ({"metadata": {"a": 1}}, {"metadata": None}, {"metadata"}, {"metadata"}),
        ({}, {"count": 6, "metadata": {"a": 1}}, {"count", "metadata"}, {"count", "metadata"}),
        # How it is treated is only noted.
        ({}, {"on_destroy": "cancel"}, {"on_destroy"}, {}),
        ({}, {"if_completed": "fail"}, {"if_completed"}, {}),
        ({}, {"on_missing": "recreate"}, {"on_missing"}, {}),
        # Its sessions keep the tag of the old name.
        ({}, {"owner": "acme/shop/renamed"}, {}, {}),
        # Forward.
        ({}, {"status": "cancelled"}, {"status"}, {}),
        ({}, {"status": "deleted"}, {"status"}, {}),
        ({"status": "cancelled"}, {"status": "deleted"}, {"status"}, {}),
        ({"status": "deleted"}, {"status": "cancelled"}, {"status"}, {}),
        # To cancel one and to change it in the same breath must not start another.
        ({}, {"status": "cancelled", "count": 6}, {"status", "count"}, {}),
        ({"status": "cancelled"}, {"count": 6, "metadata": {"a": 1}}, {"count", "metadata"}, {}),
        ({"status": "deleted"}, {"configuration": {"browser": {}}}, {"configuration"}, {}),
        # Back.
        ({"status": "cancelled"}, {"status": "active"}, {"status"}, {"status"}),
        ({"status": "deleted"}, {"status": "active"}, {"status"}, {"status"}),
        ({"status": "cancelled"}, {"status": "active", "count": 6}, {"status", "count"}, {"status", "count"}),
        # `batch_id`.
        ({}, {"batch_id": ID, "count": None}, {"batch_id"}, {}),
        ({"status": "cancelled"}, {"batch_id": ID, "count": None}, {"batch_id"}, {}),
        ({}, {"batch_id": OTHER_ID, "count": None}, {"batch_id"}, {"batch_id"}),
        ({"status": "cancelled"}, {"batch_id": OTHER_ID, "count": None}, {"batch_id"}, {"batch_id"}),
        (ADOPTED, {}, {}, {}),
        (ADOPTED, {"batch_id": OTHER_ID}, {"batch_id"}, {"batch_id"}),
        (ADOPTED, {"batch_id": None, "count": 5}, {"batch_id"}, {"batch_id"}),
        ({**ADOPTED, "status": "cancelled"}, {"batch_id": OTHER_ID}, {"batch_id"}, {"batch_id"}),
        (ADOPTED, {"status": "cancelled"}, {"status"}, {}),
    ],
)
def test_a_change(olds: dict[str, Any], given_inputs: dict[str, Any], changed: set[str], replaces: set[str]) -> None:
    found, replacing = diff(record(**olds), **given_inputs)
    assert replacing == set(replaces)
    # Where the whole source changes, whether `count` is named beside `batch_id` makes no difference to the user.
    assert found - {"count"} == set(changed) - {"count"}
    assert ("count" in found) is ("count" in changed) or "batch_id" in changed


def test_the_same_id_in_capitals_is_no_change() -> None:
    assert diff(record(**ADOPTED), batch_id=ID.upper()) == (set(), set())
    assert diff(record(), batch_id=ID.upper(), count=None)[1] == set()


@pytest.mark.parametrize("name", ["count", "configuration", "metadata"])
def test_a_value_not_known_yet_may_replace_an_active_batch_and_no_other(name: str) -> None:
    assert diff(record(), **{name: Unknown()}) == ({name}, {name})
    assert diff(record(status="cancelled"), **{name: Unknown()}) == ({name}, set())


def test_a_status_not_known_yet_replaces_nothing_by_itself() -> None:
    assert diff(record(), status=Unknown()) == ({"status"}, set())
    assert diff(record(status="cancelled"), status=Unknown()) == ({"status"}, set())
    assert diff(record(), status=Unknown(), count=7) == ({"status", "count"}, {"count"})


def test_a_batch_id_not_known_yet_may_be_another_one() -> None:
    assert diff(record(**ADOPTED), batch_id=Unknown())[1] == {"batch_id"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": {"b": None}}, {"a": {}}),
        ({"a": [{"b": None, "c": 1}]}, {"a": [{"c": 1}]}),
        ({"a": None}, {}),
        ({"a": (1, 2)}, {"a": [1, 2]}),
    ],
)
def test_none_at_any_depth_is_the_same_as_absent(old: dict[str, Any], new: dict[str, Any]) -> None:
    """The engine drops properties that are None."""
    for name in ("configuration", "metadata"):
        assert diff(record(**{name: old}), **{name: new}) == (set(), set())
        assert diff(record(**{name: new}), **{name: old}) == (set(), set())


def test_a_stopped_batch_that_was_adopted_stays_so_when_the_program_gives_a_count_instead() -> None:
    olds, news = record(**ADOPTED, status="cancelled"), inputs(count=6, status="cancelled")
    changes = changes_between(olds.id, olds.to_outputs(), news.model_dump(), is_unknown)
    assert (changes.changed, changes.replaces) == (["count"], [])
    after = olds.with_inputs(news)
    assert after.adopted
    assert changes_between(after.id, after.to_outputs(), news.model_dump(), is_unknown).changed == []
    active = news.model_copy(update={"status": "active"})
    assert "batch_id" in changes_between(after.id, after.to_outputs(), active.model_dump(), is_unknown).replaces


def test_none_and_an_empty_dictionary_are_not_the_same() -> None:
    assert diff(record(metadata={"a": 1}), metadata={})[0] == {"metadata"}


@pytest.mark.parametrize(("old", "new"), [(True, 1), (False, 0), (1, True)])
def test_true_is_not_the_number_one(old: object, new: object) -> None:
    assert diff(record(metadata={"flag": old}), metadata={"flag": new})[0] == {"metadata"}


@few
@given(inputs=all_inputs())
def test_an_unchanged_program_changes_nothing(inputs: BatchInputs) -> None:
    olds = BatchRecord.of(inputs, batch_id=inputs.batch_id or ID, live_status="completed")
    assert diff(olds) == (set(), set())


@few
@given(olds=all_records(), news=all_inputs())
def test_every_replacement_is_a_change_and_none_is_made_for_a_batch_that_is_not_to_run(
    olds: BatchRecord, news: BatchInputs
) -> None:
    changes = changes_between(olds.id, olds.to_outputs(), news.model_dump(), is_unknown)
    assert set(changes.replaces) <= set(changes.changed)
    if news.status != "active":
        # A program that names another batch means that one; it is adopted, and nothing is started.
        assert changes.replaces == ([] if news.batch_id in (None, olds.id) else ["batch_id"])
    if news.batch_id is not None and news.batch_id == olds.id and news.status == olds.status:
        assert changes.replaces == []


@few
@given(old=DICTIONARIES, new=DICTIONARIES)
def test_metadata_changes_where_what_is_sent_does(old: Any, new: Any) -> None:
    def sent(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: sent(item) for name, item in value.items() if item is not None}
        return [sent(item) for item in value] if isinstance(value, list) else value

    same = json.dumps(sent(old), sort_keys=True) == json.dumps(sent(new), sort_keys=True)
    assert (diff(record(metadata=old), metadata=new)[0] == set()) is same

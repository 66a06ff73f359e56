"""What a selection means: for any batches and any selection, exactly the meant ones go, and no protected one ever."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages import standing_api
from yard import HOUR, KEY, OTHER, THIS, Yard, owned

from pulumi_anchorbrowser.lifecycle import batch_problems, problems_of
from pulumi_anchorbrowser.lifecycle.cleanup import (
    Exclusion,
    MatchesEverything,
    NoSuchOwner,
    Request,
    Selection,
    Spared,
    cleanup_problems,
)
from pulumi_anchorbrowser.lifecycle.ownership import PROTECT_TAG
from pulumi_anchorbrowser.receipts import Subject

TAGS = ("crawl", "nightly", "pulumi-protect", "keep")
AGES = (0.5, 3.0, 30.0)
STATUSES = ("processing", "completed", "cancelled")


@dataclass(frozen=True)
class Made:
    """A batch to be made: its age in hours, its owner, its tags and its status."""

    age: float
    owner: str
    tags: frozenset[str]
    status: str


made_batches = st.builds(
    Made,
    st.sampled_from(AGES),
    st.sampled_from([THIS, OTHER, ""]),
    st.frozensets(st.sampled_from(TAGS), max_size=2),
    st.sampled_from(STATUSES),
)
selections = st.fixed_dictionaries(
    {"owner": st.sampled_from(["this", "any", OTHER])},
    optional={
        "statuses": st.lists(st.sampled_from(STATUSES), min_size=1, max_size=2, unique=True),
        "older_than": st.sampled_from(["1h", "10h", 7200]),
        "newer_than": st.sampled_from(["11h", "100h"]),
        "tags": st.lists(st.sampled_from(TAGS[:2]), min_size=1, max_size=2, unique=True),
    },
)
LENGTHS = {"1h": 1.0, "10h": 10.0, "11h": 11.0, "100h": 100.0, 7200: 2.0}


def is_meant(batch: Made, select: dict[str, Any]) -> bool:
    """The same question, answered from what the batch was made with."""
    owner = {"this": THIS, "any": None}.get(select["owner"], select["owner"])
    return (
        owner in {None, batch.owner}
        and batch.status in select.get("statuses", STATUSES)
        and batch.age > LENGTHS.get(select.get("older_than"), 0)
        and batch.age < LENGTHS.get(select.get("newer_than"), 1000)
        and set(select.get("tags", ())) <= batch.tags
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(made_batches, max_size=7), selections, st.frozensets(st.just("keep")))
def test_exactly_the_meant_batches_are_gone_and_protected_or_excluded_ones_never(
    wanted: list[Made], select: dict[str, Any], excluded: frozenset[str]
) -> None:
    with standing_api({KEY: "team"}) as sim, tempfile.TemporaryDirectory() as folder:
        yard = Yard(sim, Path(folder) / "receipts.sqlite3")
        by_id = {make(yard, batch): batch for batch in wanted}
        report = yard.run(
            limit=None,
            select=select,
            exclude=Exclusion(tags=sorted(excluded)),
            allow_all=Selection(**select).matches_everything,
        )
        meant = {id_ for id_, batch in by_id.items() if is_meant(batch, select)}
        spared = {id_ for id_, batch in by_id.items() if batch.tags & ({"pulumi-protect"} | excluded)}
        assert yard.gone() == meant - spared
        assert {left.batch_id for left in report.plan.left_alone} == meant & spared
        assert report.failures == []
        yard.client.close()


def make(yard: Yard, batch: Made) -> str:
    """Starts the batch, so long ago; every batch has at least one session by now."""
    back = batch.age * HOUR
    yard.sim.advance(-back)
    # Where it is not completed, half of its sessions are there, and the other half is still to come.
    yard.sim.settings.creation_seconds = back / 0.7 if batch.status != "completed" else 0.0
    marks = owned(batch.owner) if batch.owner else ()
    batch_id = yard.start(*marks, *batch.tags, count=2)
    yard.sim.advance(back)
    if batch.status == "cancelled":
        yard.sim.cancel(batch_id)
    assert yard.sim.batches[batch_id].status == batch.status
    return batch_id


def test_named_batches_are_taken_whoever_started_them_and_unknown_ids_are_told(yard: Yard) -> None:
    named, protected, _ = yard.start(*owned(OTHER)), yard.start("pulumi-protect"), yard.start()
    gone = yard.start()
    yard.sim.delete(gone)
    report = yard.run(select={"batch_ids": [named, named.upper(), protected, gone]})
    assert [one.batch_id for one in report.results] == [named]
    assert {left.batch_id: left.kind for left in report.plan.left_alone} == {protected: "protected", gone: "unknown"}
    assert yard.gone() == {named, gone}


def test_an_empty_list_of_ids_selects_nothing(yard: Yard) -> None:
    yard.start()
    assert yard.run(select={"batch_ids": []}).plan.matched == 0


def test_without_an_owner_only_this_stacks_batches_are_meant(yard: Yard) -> None:
    mine, _ = yard.start(*owned(THIS)), yard.start()
    yard.sim.advance(2 * HOUR)
    yard.run(select={"older_than": "1h"})
    assert yard.gone() == {mine}


def test_a_batch_whose_sessions_cannot_be_seen_yet_is_left_alone_as_undecided(yard: Yard) -> None:
    yard.sim.settings.creation_seconds = 1000
    pending = yard.start(*owned(THIS))
    yard.sim.settings.creation_seconds = 0
    yard.sim.settings.sessions_listed_after = 60
    unlisted = yard.start(*owned(THIS))
    for select in ({"owner": "this"}, {"batch_ids": [pending, unlisted]}):
        report = yard.run(select=select)
        assert {left.batch_id: left.kind for left in report.plan.left_alone} == {
            pending: "undecided",
            unlisted: "undecided",
        }
    assert yard.changing[2:] == []


def test_tags_are_read_from_ended_sessions_too_where_one_list_of_the_api_leaves_them_out(yard: Yard) -> None:
    yard.sim.settings.ended_sessions_in_all_status = False
    batch, protected = yard.start(*owned(THIS)), yard.start(*owned(THIS, "pulumi-protect"))
    for one in (batch, protected):
        yard.sim.expire(one)
    yard.run(select={"owner": "this"})
    assert yard.gone() == {batch}


@pytest.mark.parametrize(("recorded", "expected"), [(THIS, "done"), (OTHER, None), (None, "undecided")])
def test_receipts_tell_the_owner_of_a_batch_that_never_had_a_session(
    yard: Yard, recorded: str | None, expected: str | None
) -> None:
    yard.sim.settings.failing_sessions = 5
    batch = yard.start(*owned(THIS))
    if recorded:
        number = yard.receipts.intend("create", Subject(recorded, "urn", "claim", "", batch_id=batch))
        yard.receipts.close(number, "done")
    report = yard.run(select={"owner": "this"})
    told = {one.batch_id: str(one.outcome) for one in report.results}
    told |= {left.batch_id: str(left.kind) for left in report.plan.left_alone}
    assert told.get(batch) == expected


def test_batches_of_resources_that_are_not_known_yet_are_left_alone(yard: Yard) -> None:
    mine, other = yard.start(*owned(THIS, "t")), yard.start("t")
    declared = yard.start("t", "pulumi-claim:abc")
    spared = Spared(claims=frozenset({"abc"}), owner=THIS, unresolved=("made",))
    plan = yard.cleanup.plan(Request(Selection(tags=["t"], owner="any"), owner=THIS), yard.heard, spared)
    assert [batch.batch_id for batch in plan.batches] == [other]
    assert {left.batch_id: left.kind for left in plan.left_alone} == {mine: "undecided", declared: "declared"}


def test_this_without_a_stack_is_refused(yard: Yard) -> None:
    with pytest.raises(NoSuchOwner):
        yard.run(select={"owner": "this"}, owner="")


@pytest.mark.parametrize(
    "select",
    [
        {},
        {"owner": "any"},
        {"owner": "any", "older_than": "0s"},
        {"owner": "any", "statuses": ["pending", "processing", "completed", "failed", "cancelled"]},
    ],
)
def test_a_selection_of_everything_needs_to_be_allowed(yard: Yard, select: dict[str, Any]) -> None:
    batch = yard.start()
    yard.sim.advance(1)
    before = len(yard.sim.requests)
    with pytest.raises(MatchesEverything):
        yard.run(select=select)
    assert len(yard.sim.requests) == before
    yard.run(select=select, allow_all=True)
    assert yard.gone() == {batch}


def test_all_that_is_wrong_is_told_at_once() -> None:
    select = {"older_then": "1h", "owner": "me", "older_than": "soon", "tags": [], "batch_ids": ["x"]}
    problems = dict(cleanup_problems({"select": select, "limit": 0, "exclude": {"tag": ["a"]}}, lambda _: False))
    assert set(problems) == {
        "select.older_then",
        "select.owner",
        "select.older_than",
        "select.tags",
        "select.batch_ids.0",
        "limit",
        "exclude.tag",
    }
    assert problems["select.older_then"].endswith("did you mean 'older_than'?")
    assert problems["exclude.tag"].endswith("did you mean 'tags'?")


@pytest.mark.parametrize("missing", [{}, {"select": None}])
def test_there_is_no_default_selection(missing: dict[str, Any]) -> None:
    [problem] = cleanup_problems(missing, lambda _: False)
    assert "there is no default" in problem.reason


def test_ages_that_leave_no_room_are_refused() -> None:
    [problem] = problems_of(Selection, {"older_than": "2h", "newer_than": "1h"}, lambda _: False)
    assert "raise newer_than" in problem.reason


def test_the_tag_that_protects_is_a_users_own_to_set() -> None:
    configuration = {"session": {"tags": [PROTECT_TAG]}}
    assert batch_problems({}, {"count": 1, "configuration": configuration}, lambda _: False) == []
    assert PROTECT_TAG == "pulumi-protect"

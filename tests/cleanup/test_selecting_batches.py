"""What a selection matches: exactly the matching batches are deleted; protected, excluded and own ones never are."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages import standing_api
from yard import BATCHES, HOUR, KEY, OTHER, THIS, Yard, owned, skipped, uuid

from pulumi_anchorbrowser.cleanup import (
    Exclusion,
    MatchesEverything,
    Matching,
    Plan,
    Request,
    Selection,
    cleanup_problems,
)
from pulumi_anchorbrowser.lifecycle import batch_problems, problems_of
from pulumi_anchorbrowser.lifecycle.state import PendingCreate, StackState, StateUnreadable
from pulumi_anchorbrowser.lifecycle.tags import PROTECT_TAG
from pulumi_anchorbrowser.receipts import Subject
from pulumi_anchorbrowser.simulator import Fault, LoggedRequest

THIRD = "organization/demo/third"
TAGS = ("crawl", "nightly", "pulumi-protect", "keep")
AGES = (0.5, 3.0, 30.0)
STATUSES = ("processing", "completed", "cancelled")
LENGTHS = {"1h": 1.0, "10h": 10.0, "11h": 11.0, "100h": 100.0, 7200: 2.0, "7200": 2.0}


@dataclass(frozen=True)
class Made:
    """A batch to make: age in hours, owner, tags and status; `retagged`, the tags that its first session got later."""

    age: float
    owner: str
    tags: frozenset[str]
    status: str
    retagged: frozenset[str] | None


tag_sets = st.frozensets(st.sampled_from(TAGS), max_size=2)
made_batches = st.builds(
    Made,
    st.sampled_from(AGES),
    st.sampled_from([THIS, OTHER, THIRD, ""]),
    tag_sets,
    st.sampled_from(STATUSES),
    st.none() | st.none() | tag_sets,
)
selections = st.fixed_dictionaries(
    {"owner": st.sampled_from(["any", OTHER])},
    optional={
        "statuses": st.lists(st.sampled_from(STATUSES), min_size=1, max_size=2, unique=True),
        "older_than": st.sampled_from(["1h", "10h", 7200, "7200"]),
        "newer_than": st.sampled_from(["11h", "100h"]),
        "tags": st.lists(st.sampled_from(TAGS[:2]), min_size=1, max_size=2, unique=True),
    },
)


def sessions_of(batch: Made) -> list[frozenset[str]]:
    """The tags of each session that exists: of a batch that is not completed, half of the two."""
    tags = batch.tags | ({f"pulumi-owner:{batch.owner}"} if batch.owner else frozenset())
    first = tags if batch.retagged is None else batch.retagged
    return [first, tags] if batch.status == "completed" else [first]


def kind_of(batch: Made, select: dict[str, Any], excluded: frozenset[str]) -> str | None:
    """What becomes of the batch, worked out from what it was made with; None where it does not match."""
    wanted = set(select.get("tags", ())) | ({f"pulumi-owner:{OTHER}"} if select["owner"] == OTHER else set())
    sessions = sessions_of(batch)
    if not (
        batch.status in select.get("statuses", STATUSES)
        and LENGTHS.get(select.get("older_than"), 0) < batch.age < LENGTHS.get(select.get("newer_than"), 1000)
        and all(any(tag in one for one in sessions) for tag in wanted)
    ):
        return None
    on_any = frozenset[str]().union(*sessions)
    if f"pulumi-owner:{THIS}" in on_any:
        return "own"
    if on_any & excluded:
        return "excluded"
    if "pulumi-protect" in on_any:
        return "protected"
    return "planned" if all(wanted <= one for one in sessions) else "undecided"


@settings(max_examples=40, deadline=None)
@given(st.lists(made_batches, max_size=7), selections, st.frozensets(st.just("keep")))
def test_exactly_the_matching_batches_are_deleted_and_a_dry_run_names_them(
    wanted: list[Made], select: dict[str, Any], excluded: frozenset[str]
) -> None:
    with standing_api({KEY: "our-team"}) as sim, tempfile.TemporaryDirectory() as folder:
        yard = Yard(sim, Path(folder) / "receipts.sqlite3")
        kinds = {make(yard, batch): kind_of(batch, select, excluded) for batch in wanted}
        planned = {batch_id for batch_id, kind in kinds.items() if kind == "planned"}
        request = {
            "select": select,
            "exclude": Exclusion(tags=sorted(excluded)),
            "allow_all": Selection(**select).matches_everything,
        }
        dry = yard.plan(**request)
        report = yard.run(limit=None, **request)
        assert [one.batch_id for one in dry.batches] == [one.batch_id for one in report.results]
        assert {one.batch_id for one in dry.batches} == yard.gone() == planned
        assert skipped(dry) == {id_: kind for id_, kind in kinds.items() if kind not in {None, "planned"}}
        assert {one.outcome for one in report.results} <= {"done"}
        yard.client.close()


def make(yard: Yard, batch: Made) -> str:
    """Start the batch, so long ago; every batch has at least one session by now."""
    back = batch.age * HOUR
    yard.sim.advance(-back)
    # Where it is not completed, half of its sessions are there, and the other half is still to come.
    yard.sim.settings.creation_seconds = back / 0.7 if batch.status != "completed" else 0.0
    batch_id = yard.start(*(owned(batch.owner) if batch.owner else ()), *batch.tags, count=2)
    yard.sim.advance(back)
    if batch.retagged is not None:
        yard.retag(batch_id, *batch.retagged)
    if batch.status == "cancelled":
        yard.sim.cancel(batch_id)
    assert yard.sim.batches[batch_id].status == batch.status
    return batch_id


# The own stack


@pytest.mark.parametrize("select", [{"tags": ["t"]}, {"owner": OTHER}])
def test_batches_of_the_own_stack_are_skipped_by_the_ids_and_claims_of_its_state(
    yard: Yard, select: dict[str, Any]
) -> None:
    """The owner tag of each is another stack's, as after `pulumi stack rename`; a pending create counts as well."""
    adopted, claimed, pending, other = (yard.start(*owned(OTHER, "t", f"pulumi-claim:{name}")) for name in "abcd")
    state = StackState(
        batch_ids=frozenset({adopted, ""}), claims=frozenset({"b"}), pending=(PendingCreate("c", OTHER, "urn"),)
    )
    report = yard.run(select=select, read_state=lambda: state)
    assert skipped(report.plan) == dict.fromkeys((adopted, claimed, pending), "own")
    assert yard.gone() == {other}


def test_a_new_stack_of_an_old_name_never_deletes_what_its_name_is_on(yard: Yard) -> None:
    """`pulumi stack rename` leaves the old name on the batches: a new stack of that name has them not in its state."""
    renamed = yard.start(*owned(THIS, "t"))
    yard.run(select={"tags": ["t"]}, read_state=StackState)
    assert yard.gone() == set()
    assert skipped(yard.plan(select={"batch_ids": [renamed]})) == {renamed: "own"}


def test_one_session_with_the_own_stacks_tag_is_enough_to_skip_a_batch(yard: Yard) -> None:
    batch = yard.start("t")
    yard.retag(batch, "t", f"pulumi-owner:{THIS}")
    assert skipped(yard.run(select={"tags": ["t"]}).plan) == {batch: "own"}


def test_batches_of_a_name_that_the_own_stack_had_are_skipped(yard: Yard) -> None:
    former = "organization/demo/former"
    kept, other = yard.start(*owned(former, "t")), yard.start(*owned(OTHER, "t"))
    report = yard.run(select={"tags": ["t"]}, former_stacks=(former,))
    assert (skipped(report.plan), yard.gone()) == ({kept: "own"}, {other})


def test_the_state_is_read_after_the_list_so_that_a_batch_that_starts_meanwhile_is_known(yard: Yard) -> None:
    yard.start("t")
    started: list[str] = []

    def start_one(_: LoggedRequest) -> None:
        started.append(yard.start(*owned(OTHER, "t", "pulumi-claim:new")))

    def read_state() -> StackState:
        assert yard.sim.requests_of("GET", BATCHES), "the state was read before the list"
        return StackState(claims=frozenset({"new"} if started else ()))

    yard.sim.faults.add(Fault(method="GET", path=BATCHES, before=start_one))
    report = yard.run(select={"tags": ["t"]}, read_state=read_state)
    assert skipped(report.plan) == {started[0]: "own"}
    assert yard.there() == set(started)


@pytest.mark.parametrize("why", [None, "`pulumi stack export` failed: no stack"])
def test_where_the_state_cannot_be_read_the_owner_tag_decides_and_a_warning_is_printed(
    yard: Yard, why: str | None
) -> None:
    own, other = yard.start(*owned(THIS, "t")), yard.start("t")

    def read_state() -> StackState | None:
        if why is not None:
            raise StateUnreadable(why)
        return None

    plan = yard.plan(select={"tags": ["t"]}, read_state=read_state)
    assert (skipped(plan), [one.batch_id for one in plan.batches]) == ({own: "own"}, [other])
    [warning] = yard.heard.warnings
    assert "only the owner tag protects its batches" in warning
    assert (why or "") in warning


def test_without_an_own_stack_every_owner_matches(yard: Yard) -> None:
    batches = {yard.start(*owned(THIS, "t")), yard.start("t"), yard.start("t", "pulumi-owner:")}
    assert yard.run(select={"tags": ["t"]}, own_stack="").plan.matched == 3
    assert yard.gone() == batches


# Sessions that do not agree


def test_a_criterion_that_holds_on_some_sessions_only_is_named_with_their_number(yard: Yard) -> None:
    batches = {yard.start(*owned(OTHER, "t"), count=4) for _ in range(40)}
    retagged = sorted(batches)[::4]
    for batch in retagged[:5]:
        yard.retag(batch, *owned(OTHER), index=2)
    for batch in retagged[5:]:
        yard.retag(batch, "t")
    plan = yard.plan(select={"tags": ["t"], "owner": OTHER})
    assert skipped(plan) == dict.fromkeys(retagged, "undecided")
    reasons = {one.id: one.reason for one in plan.skipped}
    assert reasons[retagged[0]] == "'t' is on 3 of its 4 sessions"
    assert reasons[retagged[9]] == f"'pulumi-owner:{OTHER}' is on 3 of its 4 sessions"
    assert {one.batch_id for one in plan.batches} == batches - set(retagged)


@pytest.mark.long
def test_of_a_thousand_batches_the_fifty_with_one_retagged_session_are_named_and_not_stopped(yard: Yard) -> None:
    batches = [yard.start("t", count=3) for _ in range(1000)]
    retagged = batches[::20]
    for batch in retagged:
        yard.retag(batch, "other", index=1)
    report = yard.run(limit=None, select={"tags": ["t"]})
    assert skipped(report.plan) == dict.fromkeys(retagged, "undecided")
    assert {one.reason for one in report.plan.skipped} == {"'t' is on 2 of its 3 sessions"}
    assert yard.there() == set(retagged)
    assert report.totals()["deleted_sessions"] == 3 * 950


def test_the_last_progress_counts_as_the_plan_does(yard: Yard) -> None:
    for number in range(40):
        yard.start("other" if number % 4 == 0 else "crawl", *([PROTECT_TAG] if number % 4 == 1 else []))
    plan = yard.plan(select={"owner": "any", "tags": ["crawl"]})
    assert (len(plan.batches), len(plan.skipped)) == (20, 10)
    assert yard.heard.statuses == [
        "looked at 20 batches: 10 planned, 5 skipped",
        "looked at 40 batches: 20 planned, 10 skipped",
    ]


def test_protection_on_one_session_of_many_protects(yard: Yard) -> None:
    batch = yard.start("t", count=5)
    yard.retag(batch, "t", PROTECT_TAG, index=4)
    assert skipped(yard.run(select={"tags": ["t"]}).plan) == {batch: "protected"}


def test_a_batch_whose_sessions_are_not_visible_yet_is_skipped_as_undecided(yard: Yard) -> None:
    yard.sim.settings.creation_seconds = 1000
    pending = yard.start(*owned(OTHER))
    yard.sim.settings.creation_seconds = 0
    yard.sim.settings.sessions_listed_after = 60
    unlisted = yard.start(*owned(OTHER))
    for select in ({"owner": OTHER}, {"batch_ids": [pending, unlisted]}):
        assert skipped(yard.run(select=select).plan) == {pending: "undecided", unlisted: "undecided"}
    assert yard.changing == []


def test_tags_of_ended_sessions_count_where_one_list_of_the_api_leaves_them_out(yard: Yard) -> None:
    yard.sim.settings.ended_sessions_in_all_status = False
    batch, ended, half = (yard.start("t") for _ in range(3))
    for one in (ended, half):
        yard.retag(one, "t", PROTECT_TAG)
    yard.sim.expire(batch)
    yard.sim.expire(ended)
    yard.sim.stop_sessions(half, 1)
    assert skipped(yard.run(select={"tags": ["t"]}).plan) == {ended: "protected", half: "protected"}
    assert yard.gone() == {batch}


@pytest.mark.parametrize(
    ("recorded", "expected"), [(OTHER, "planned"), (THIRD, None), (THIS, None), (None, "undecided")]
)
def test_receipts_name_the_owner_of_a_batch_that_never_had_a_session(
    yard: Yard, recorded: str | None, expected: str | None
) -> None:
    yard.sim.settings.failing_sessions = 5
    batch = yard.start(*owned(OTHER))
    if recorded:
        number = yard.receipts.begin("create", Subject(recorded, "urn", "claim", ""))
        yard.receipts.end(number, "done", batch_id=batch)
    plan = yard.plan(select={"owner": OTHER})
    kinds = {one.batch_id: "planned" for one in plan.batches} | skipped(plan)
    assert kinds.get(batch) == expected


def test_a_batch_without_sessions_is_the_own_stacks_where_a_receipt_says_so(yard: Yard) -> None:
    yard.sim.settings.failing_sessions = 5
    batch = yard.start()
    number = yard.receipts.begin("create", Subject(THIS, "urn", "claim", ""))
    yard.receipts.end(number, "done", batch_id=batch)
    assert skipped(yard.plan(select={"batch_ids": [batch]})) == {batch: "own"}


# Ids, force, ages


def test_named_batches_match_whoever_started_them_and_unknown_ids_are_reported(yard: Yard) -> None:
    named, protected, _ = yard.start(*owned(OTHER)), yard.start("pulumi-protect"), yard.start()
    gone = yard.start()
    yard.sim.delete(gone)
    report = yard.run(select={"batch_ids": [named, named.upper(), protected, gone, uuid(7)]})
    assert [one.batch_id for one in report.results] == [named]
    assert skipped(report.plan) == {protected: "protected", gone: "unknown", uuid(7): "unknown"}
    assert report.plan.skipped[-1].reason == "the API has no such batch under this key (HTTP 404)"
    assert yard.gone() == {named, gone}


def test_force_stops_named_batches_that_are_protected_or_undecided_and_no_others(yard: Yard) -> None:
    protected, own = yard.start("pulumi-protect"), yard.start(*owned(THIS))
    yard.sim.settings.creation_seconds = 1000
    pending, unread = yard.start(), yard.start()
    yard.sim.faults.add(
        Fault("status", method="GET", status=400, times=None, when=lambda one: one.query.get("batch_id") == unread)
    )
    report = yard.run(select={"batch_ids": [protected, own, pending, unread]}, force=True)
    assert skipped(report.plan) == {own: "own"}
    assert yard.gone() == {protected, pending, unread}
    with pytest.raises(ValueError, match="named by id"):
        Request(Selection(tags=["t"]), force=True)


def test_an_empty_list_of_ids_matches_nothing(yard: Yard) -> None:
    yard.start()
    assert yard.plan(select={"batch_ids": []}).is_empty


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0])
def test_ages_are_by_the_apis_clock_and_not_by_the_machines(tmp_path: Path, ahead: float) -> None:
    with standing_api({KEY: "our-team"}) as sim:
        sim.settings.clock_offset_seconds = ahead
        yard = Yard(sim, tmp_path / "receipts.sqlite3")
        yard.clock.source = lambda: datetime.now(timezone.utc)
        sim.advance(-1.5 * HOUR)
        older = yard.start("t")
        sim.advance(HOUR)
        yard.start("t")
        sim.advance(0.5 * HOUR)
        plan = yard.plan(select={"tags": ["t"], "older_than": "1h"})
        assert [one.batch_id for one in plan.batches] == [older]
        assert plan.summary().startswith("delete 1 batch (2 sessions requested), created before 20")
        yard.client.close()


def test_cutoffs_are_printed_as_absolute_times_in_utc() -> None:
    request = Request(Selection(older_than="24h", newer_than="48h"))
    plan = Plan.from_document(_planned_at(datetime(2026, 3, 3, 12, 30, tzinfo=timezone.utc), request))
    assert plan.summary() == "nothing to do (created before 2026-03-02T12:30:00Z and after 2026-03-01T12:30:00Z)"


def _planned_at(now: datetime, request: Request) -> dict[str, Any]:
    return Plan(Matching.of(request, now), account="http://127.0.0.1:1#salt:print").to_document()


# What is refused


@pytest.mark.parametrize(
    "select",
    [
        {},
        {"owner": "any"},
        {"owner": "any", "older_than": "0s"},
        {"statuses": ["pending", "processing", "completed", "failed", "cancelled"]},
        {"what": "all"},
    ],
)
def test_a_selection_of_everything_needs_allow_all(yard: Yard, select: dict[str, Any]) -> None:
    batch = yard.start()
    yard.sim.advance(1)
    before = len(yard.sim.requests)
    with pytest.raises(MatchesEverything):
        yard.run(select=select)
    assert len(yard.sim.requests) == before
    yard.run(select=select, allow_all=True)
    assert yard.gone() == {batch}


def test_everything_wrong_is_reported_at_once() -> None:
    select = {"older_then": "1h", "owner": "me", "older_than": "soon", "tags": [], "batch_ids": ["x"], "what": "some"}
    problems = dict(cleanup_problems({"select": select, "limit": 0, "exclude": {"tag": ["a"]}}, lambda _: False))
    assert set(problems) == {
        "select.older_then",
        "select.owner",
        "select.older_than",
        "select.tags",
        "select.batch_ids.0",
        "select.what",
        "limit",
        "exclude.tag",
    }
    assert problems["select.older_then"].endswith("did you mean 'older_than'?")
    assert problems["exclude.tag"].endswith("did you mean 'tags'?")
    assert problems["select.owner"] == "must be 'any' or another stack's organization/project/stack"


def test_this_is_refused_with_what_to_write_in_its_place() -> None:
    [problem] = cleanup_problems({"select": {"owner": "this"}, "owner": THIS}, lambda _: False)
    assert problem.property == "select.owner"
    assert "leave owner out to match batches of every owner, or name another stack" in problem.reason


def test_the_own_stack_as_owner_is_refused_because_nothing_could_match() -> None:
    [problem] = cleanup_problems({"select": {"owner": THIS}, "owner": THIS}, lambda _: False)
    assert (problem.property, "nothing can match" in problem.reason) == ("select.owner", True)
    assert cleanup_problems({"select": {"owner": OTHER}, "owner": THIS}, lambda _: False) == []


@pytest.mark.parametrize("missing", [{}, {"select": None}])
def test_there_is_no_default_selection(missing: dict[str, Any]) -> None:
    [problem] = cleanup_problems(missing, lambda _: False)
    assert "there is no default" in problem.reason


@pytest.mark.parametrize(
    ("select", "reason"),
    [
        ({"older_than": "2h", "newer_than": "1h"}, "older_than must be less than newer_than"),
        ({"what": "sessions", "statuses": ["failed"]}, "statuses and batch_ids select batches"),
        ({"what": "all", "batch_ids": []}, "statuses and batch_ids select batches"),
    ],
)
def test_criteria_that_contradict_each_other_are_refused(select: dict[str, Any], reason: str) -> None:
    [problem] = problems_of(Selection, select, lambda _: False)
    assert reason in problem.reason


@pytest.mark.parametrize("age", [86400, 86400.0, "86400", "24h"])
def test_an_age_is_a_duration_or_a_number_of_seconds_also_as_text(age: str | float) -> None:
    now = datetime(2026, 3, 3, tzinfo=timezone.utc)
    assert Selection(older_than=age).created_before(now) == datetime(2026, 3, 2, tzinfo=timezone.utc)


def test_the_tag_that_protects_is_the_users_to_set() -> None:
    configuration = {"session": {"tags": [PROTECT_TAG]}}
    assert batch_problems({}, {"count": 1, "configuration": configuration}, lambda _: False) == []
    assert PROTECT_TAG == "pulumi-protect"

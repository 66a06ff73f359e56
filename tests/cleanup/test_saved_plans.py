"""Plans that are saved, approved, and carried out later: exactly these batches, if they still qualify, never more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from stages import standing_api
from yard import HOUR, KEY, OTHER, Heard, Yard, owned, skipped

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions
from pulumi_anchorbrowser.cleanup import Cleanup, Exclusion, Plan, UnusablePlan
from pulumi_anchorbrowser.cleanup.plan import PlanDocument
from pulumi_anchorbrowser.lifecycle import Batches
from pulumi_anchorbrowser.lifecycle.tags import PROTECT_TAG
from pulumi_anchorbrowser.receipts import Receipts

DAY = 24 * HOUR
SCHEMA = Path(__file__).parents[2] / "docs" / "cleanup-plan.schema.json"


def saved(plan: Plan) -> dict[str, Any]:
    """The plan's document, as it comes back from a file."""
    document: dict[str, Any] = json.loads(json.dumps(plan.to_document(), indent=2))
    return document


def resealed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the digest that its other fields have now."""
    from pulumi_anchorbrowser.cleanup.plan import _digest

    body = {name: value for name, value in document.items() if name != "digest"}
    return {**body, "digest": _digest(body)}


def test_a_plan_comes_back_from_its_document_as_it_was(yard: Yard) -> None:
    yard.start(*owned(OTHER, "t", "pulumi-claim:a"))
    yard.start("t", PROTECT_TAG)
    yard.sim.start_session(tags=["t"])
    yard.sim.advance(2 * HOUR)
    plan = yard.plan(
        select={"tags": ["t"], "older_than": "1h", "newer_than": "3h", "what": "all"}, exclude=Exclusion(tags=["keep"])
    )
    assert (len(plan.batches), len(plan.sessions), len(plan.skipped)) == (1, 1, 1)
    assert Plan.from_document(saved(plan)) == plan


def test_a_plan_of_wednesday_carried_out_on_friday_stops_exactly_what_it_names(yard: Yard) -> None:
    named = [yard.start("t") for _ in range(4)]
    session = yard.sim.start_session(tags=["t"])
    yard.sim.advance(2 * HOUR)
    document = saved(yard.plan(select={"tags": ["t"], "older_than": "1h", "newer_than": "1000h", "what": "all"}))
    protected, gone = named[:2]
    new = {yard.start("t") for _ in range(10)}
    yard.retag(protected, "t", PROTECT_TAG)
    yard.sim.delete(gone)
    yard.sim.advance(2 * DAY)
    report = yard.cleanup.carry_out(Plan.from_document(document), yard.heard)
    assert {one.id: one.outcome for one in report.results} == {
        protected: "skipped",
        gone: "gone",
        named[2]: "done",
        named[3]: "done",
        session: "done",
    }
    assert yard.there() == {protected, *new}


def test_the_times_of_a_saved_plan_stay_those_of_its_making(yard: Yard) -> None:
    batch = yard.start("t")
    yard.sim.advance(2 * HOUR)
    plan = yard.plan(select={"tags": ["t"], "newer_than": "3h"})
    again = Plan.from_document(saved(plan))
    yard.sim.advance(2 * DAY)
    assert again.summary() == plan.summary()
    yard.cleanup.carry_out(again, yard.heard)
    assert yard.gone() == {batch}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "it is not a plan of this program"),
        ({"resources": []}, "it is not a plan of this program"),
        ({"version": 2}, "it has format version 2, and this release reads 1"),
        ({"version": 1}, "its digest does not match, so it was changed after it was written"),
    ],
)
def test_a_document_that_is_no_plan_of_this_version_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(UnusablePlan, match=f"Nothing was done: the plan cannot be used: {reason}"):
        Plan.from_document(document)


def test_a_plan_that_was_changed_after_it_was_written_is_refused(yard: Yard) -> None:
    yard.start("t")
    other = yard.start("x")
    document = saved(yard.plan(select={"tags": ["t"]}))
    document["batches"].append({**document["batches"][0], "batch_id": other})
    with pytest.raises(UnusablePlan, match="its digest does not match"):
        Plan.from_document(document)


@pytest.mark.parametrize(
    "change", [{"action": "stop"}, {"batches": [{"batch_id": "x"}]}, {"more": 1}, {"account": "x"}]
)
def test_a_plan_with_wrong_fields_is_refused_even_with_a_right_digest(yard: Yard, change: dict[str, Any]) -> None:
    document = saved(yard.plan(select={"tags": ["t"]}))
    with pytest.raises(UnusablePlan):
        Plan.from_document(resealed({**document, **change}))


def test_an_added_batch_is_not_stopped_unless_it_matches_even_with_a_right_digest(yard: Yard) -> None:
    yard.start("t")
    other = yard.start("x")
    document = saved(yard.plan(select={"tags": ["t"]}))
    document["batches"] = [{**document["batches"][0], "batch_id": other}]
    [result] = yard.cleanup.carry_out(Plan.from_document(resealed(document)), yard.heard).results
    assert (result.outcome, result.reason) == ("skipped", "it no longer matches")


def test_a_plan_under_another_teams_key_reports_nothing_as_gone(tmp_path: Path) -> None:
    with standing_api({KEY: "our-team", "key-of-others": "their-team"}) as sim:
        yard = Yard(sim, tmp_path / "receipts.sqlite3")
        batch = yard.start("t")
        sim.start_session(tags=["t"])
        plan = Plan.from_document(saved(yard.plan(select={"tags": ["t"], "what": "all"})))
        theirs = Client(sim.url, ApiKeys("key-of-others"), ClientOptions(max_retries=0), clock=yard.clock)
        cleanup = Cleanup(Batches(theirs, Receipts(None), clock=yard.clock))
        report = cleanup.carry_out(plan, Heard())
        assert [one.outcome for one in report.results] == ["failed", "failed"]
        assert "The key or the address is not the one that started it" in str(report.failures[0]["reason"])
        assert report.failures[1]["reason"] == "the plan was made with another API key or base URL"
        assert batch in yard.there()
        yard.client.close()
        theirs.close()


def test_a_saved_plan_holds_no_key(yard: Yard) -> None:
    yard.start("t")
    assert KEY not in json.dumps(saved(yard.plan(select={"tags": ["t"]})))


def test_what_was_skipped_is_saved_for_whoever_approves_the_plan(yard: Yard) -> None:
    batch = yard.start("t", PROTECT_TAG)
    assert skipped(Plan.from_document(saved(yard.plan(select={"tags": ["t"]})))) == {batch: "protected"}


def test_the_schema_in_the_docs_is_that_of_saved_plans(yard: Yard) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    yard.start(*owned(OTHER, "t"))
    yard.start("t", PROTECT_TAG)
    yard.sim.start_session(tags=["t"])
    document = saved(yard.plan(select={"tags": ["t"], "what": "all"}))
    jsonschema.validate(document, schema)
    for wrong in ({"version": 2}, {"action": "stop"}, {"more": 1}, {"batches": [{"batch_id": "x"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, **wrong}, schema)
    # The words of other releases of pydantic differ, the fields do not.
    now = PlanDocument.model_json_schema()
    assert _fields(schema) == _fields(now)


def _fields(schema: dict[str, Any]) -> dict[str, set[str]]:
    models = {"": schema, **schema["$defs"]}
    return {name: set(model.get("properties", ())) for name, model in models.items()}

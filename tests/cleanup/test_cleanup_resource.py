"""`BatchCleanup` on every stage: when it runs, what it stops and reports, and what it never stops."""

from __future__ import annotations

import pytest
from scenarios.one_stack import errors
from stages import EngineStage
from yard import HOUR, OTHER, THIS, CleanedStack, Yard, cleanup_program, owned


def test_a_cleanup_on_destroy_does_nothing_on_apply_and_stops_its_batches_in_a_plain_destroy(
    stack: CleanedStack, yard: Yard
) -> None:
    match, also, other = yard.start(*owned(OTHER)), yard.start(*owned(OTHER), count=3), yard.start("t")
    stack.up(cleanup_program(select={"owner": OTHER}))
    assert stack.calls == []
    assert stack.outputs().get("matched") is None
    assert stack.has_nothing_to_do()
    assert stack.refresh().changes == {}
    assert stack.has_nothing_to_do()

    result = stack.destroy()
    assert sorted(stack.calls) == sorted([f"DELETE {match}", f"DELETE {also}"])
    assert yard.there() == {other}
    lines = result.messages("info")
    assert any("cleanup: will delete 2 batches (5 sessions requested)" in line and match in line for line in lines)
    assert "cleanup: deleted 2 batches, 5 sessions deleted" in lines


def test_a_cleanup_on_apply_stops_its_batches_once_and_its_counts_are_outputs(stack: CleanedStack, yard: Yard) -> None:
    old = yard.start("crawl")
    yard.sim.advance(-2 * HOUR)
    older = yard.start("crawl", count=4)
    yard.sim.advance(2 * HOUR)
    select = {"owner": "any", "tags": ["crawl"], "older_than": "1h"}
    stack.up(cleanup_program(select=select, when="apply"))
    assert stack.calls == [f"DELETE {older}"]
    outputs = stack.outputs()
    assert (outputs["matched"], outputs["deleted_sessions"], outputs["cleaned_batches"]) == (1, 4, 1)
    assert (outputs["failed_batches"], outputs["failures"]) == (0, [])
    assert outputs["still_running"] == 0
    assert [(row["batch_id"], row["outcome"]) for row in outputs["results"]] == [(older, "done")]
    assert stack.has_nothing_to_do()
    stack.refresh()
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == []
    assert yard.there() == {old}


def test_a_changed_trigger_or_action_runs_the_cleanup_again_and_a_changed_limit_is_only_saved(
    stack: CleanedStack, yard: Yard
) -> None:
    select = {"owner": "any", "tags": ["t"]}
    stack.up(cleanup_program(select=select, when="apply", triggers=["one"]))
    first = yard.start("t")
    stack.up(cleanup_program(select=select, when="apply", triggers=["one"], limit=7))
    assert stack.calls == []
    assert stack.outputs()["limit"] == 7
    assert stack.outputs()["matched"] == 0

    stack.up(cleanup_program(select=select, when="apply", triggers=["two"], limit=7))
    assert stack.calls == [f"DELETE {first}"]
    second = yard.start("t")
    stack.up(cleanup_program(select=select, when="apply", triggers=["two"], action="end_sessions"))
    assert [call.split()[0] for call in stack.calls] == ["DELETE", "DELETE"]
    assert (yard.there(), yard.sim.live_sessions()) == ({second}, [])
    assert stack.outputs()["ended_sessions"] == 2


def test_a_cleanup_on_both_runs_on_apply_and_on_destroy(stack: CleanedStack, yard: Yard) -> None:
    first = yard.start("t")
    stack.up(cleanup_program(select={"owner": "any", "tags": ["t"]}, when="both"))
    assert stack.calls == [f"DELETE {first}"]
    second = yard.start("t")
    stack.destroy()
    assert stack.calls == [f"DELETE {second}"]


def test_a_cleanup_that_is_renamed_or_removed_runs_with_its_plan_in_the_log(stack: CleanedStack, yard: Yard) -> None:
    select = {"owner": "any", "tags": ["t"]}
    stack.up(cleanup_program(select=select))
    first = yard.start("t")
    stack.up(cleanup_program("renamed", select=select))
    assert stack.calls == [f"DELETE {first}"]
    second = yard.start("t")
    result = stack.up("")
    assert stack.calls == [f"DELETE {second}"]
    assert any("cleanup: will delete 1 batch" in line and second in line for line in result.messages("info"))


def test_a_dry_run_has_its_plan_as_an_output_and_stops_nothing_even_on_destroy(stack: CleanedStack, yard: Yard) -> None:
    batch = yard.start("t")
    result = stack.up(cleanup_program(select={"owner": "any", "tags": ["t"]}, when="both", dry_run=True))
    assert stack.calls == []
    assert [(row["batch_id"], row["action"]) for row in stack.outputs()["plan"]] == [(batch, "delete")]
    assert stack.outputs()["results"] == []
    [line] = [line for line in result.messages("info") if "would delete 1 batch" in line]
    assert "cleanup, dry run: would" in line
    stack.destroy()
    assert stack.calls == []
    assert yard.there() == {batch}


def test_more_matches_than_the_limit_are_refused_with_their_number(stack: CleanedStack, yard: Yard) -> None:
    for _ in range(3):
        yard.start("t")
    program = cleanup_program(select={"owner": "any", "tags": ["t"]}, when="apply", limit=2)
    result = stack.up(program, expect_failure=True)
    assert stack.calls == []
    [error] = errors(result)
    assert "3 matches found, and limit is 2" in error
    assert "\n" not in error.strip()


def test_a_dry_run_that_finds_more_than_the_limit_says_what_would_be_refused(stack: CleanedStack, yard: Yard) -> None:
    for _ in range(3):
        yard.start("t")
    select = {"owner": "any", "tags": ["t"]}
    result = stack.up(cleanup_program(select=select, when="apply", limit=2, dry_run=True))
    said = "without dry_run the cleanup would be refused: 3 matches found, and limit is 2"
    assert [one for one in result.messages("warning") if said in one]


def test_a_destroy_that_finds_too_many_says_that_an_up_comes_first(stack: CleanedStack, yard: Yard) -> None:
    select = {"owner": "any", "tags": ["t"]}
    stack.up(cleanup_program(select=select, limit=1))
    batches = {yard.start("t"), yard.start("t")}
    result = stack.destroy(expect_failure=True)
    assert "2 matches found, and limit is 1" in result.text
    assert "A destroy uses the values of the last `pulumi up`" in result.text
    assert yard.there() == batches
    stack.up(cleanup_program(select=select, limit=2))
    assert stack.calls == []
    stack.destroy()
    assert yard.gone() == batches


def test_of_500_batches_a_destroy_stops_exactly_the_137_that_match(engine_stack: CleanedStack, yard: Yard) -> None:
    engine_stack.up(cleanup_program(select={"owner": OTHER, "statuses": ["completed"]}, limit=137))
    wanted = {yard.start(*owned(OTHER), count=1) for _ in range(137)}
    protected = {yard.start(*owned(OTHER, "pulumi-protect"), count=1) for _ in range(63)}
    others = {yard.start(*owned(THIS), count=1) for _ in range(300)}
    result = engine_stack.destroy()
    assert yard.gone() == wanted
    assert yard.there() == protected | others
    assert "cleanup: deleted 137 batches, 137 sessions deleted" in result.messages("info")


@pytest.mark.parametrize("select", [{}, {"owner": "any"}, {"owner": "any", "older_than": 0}])
def test_a_selection_of_everything_is_refused_before_any_request(
    rehearsal_stack: CleanedStack, yard: Yard, select: object
) -> None:
    yard.start()
    yard.sim.advance(1)
    result = rehearsal_stack.up(cleanup_program(select=select, when="apply"), expect_failure=True)
    assert yard.sim.requests == []
    assert "allow_all" in result.text
    rehearsal_stack.up(cleanup_program(select=select, when="apply", allow_all=True))
    assert yard.there() == set()


def test_protected_and_excluded_batches_are_skipped_and_named(stack: CleanedStack, yard: Yard) -> None:
    protected, excluded = yard.start("t", "pulumi-protect"), yard.start("t", "keep")
    by_id, taken = yard.start("t"), yard.start("t")
    select, exclude = {"owner": "any", "tags": ["t"]}, {"tags": ["keep"], "batch_ids": [by_id]}
    stack.up(cleanup_program(select=select, exclude=exclude, when="apply"))
    assert stack.calls == [f"DELETE {taken}"]
    left = {row["batch_id"]: row["kind"] for row in stack.outputs()["skipped"]}
    assert left == {protected: "protected", excluded: "excluded", by_id: "excluded"}


@pytest.mark.parametrize("first", ["batch", "cleanup"])
def test_a_cleanup_never_stops_batches_of_its_own_stack_whatever_comes_first(
    stack: CleanedStack, yard: Yard, first: str
) -> None:
    adopted, untracked = yard.start(*owned(OTHER, "t")), yard.start(*owned(THIS, "t"))
    tagged = "configuration={'session': {'tags': ['t']}}"
    batches = f"ab.Batch('made', count=2, {tagged})\nab.Batch('adopted', batch_id={adopted!r})\n"
    sweep = cleanup_program(select={"tags": ["t"]}, when="both", triggers=["one"])

    def program(trigger: str) -> str:
        parts = [batches, sweep.replace("'one'", repr(trigger))]
        return "".join(parts if first == "batch" else reversed(parts))

    elsewhere = yard.start(*owned(OTHER, "t"))
    stack.up(program("one"))
    made = stack.outputs("made")["batch_id"]
    # A batch with the stack's owner tag may be in its state under another name: `orphans` deals with it.
    assert yard.there() == {made, adopted, untracked}
    assert yard.gone() == {elsewhere}
    stack.up(program("two"))
    assert stack.calls == []
    stack.up(batches)
    assert yard.there() == {made, adopted, untracked}
    stack.destroy()
    assert yard.there() == {untracked}


@pytest.mark.parametrize("run", ["replace the cleanup alone", "remove the cleanup alone", "leave out a batch"])
def test_a_targeted_up_stops_no_batch_of_its_own_stack(engine_stack: CleanedStack, yard: Yard, run: str) -> None:
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    tagged = "configuration={'session': {'tags': ['t']}}"
    batches = f"a = ab.Batch('a', count=2, {tagged})\nb = ab.Batch('b', count=1, {tagged})\n"
    sweep = cleanup_program(select={"tags": ["t"]}, when="both")
    engine_stack.up(batches + sweep)
    live = yard.running()
    flags = {
        "replace the cleanup alone": ["--target-replace", stage.urn("sweep")],
        "remove the cleanup alone": ["--target", stage.urn("sweep")],
        "leave out a batch": ["--exclude", stage.urn("a")],
    }[run]
    engine_stack.up(batches if run == "remove the cleanup alone" else batches + sweep, flags=flags)
    assert yard.running() == live != set()


def test_a_cleanup_that_a_batch_depends_on_stops_what_matches_elsewhere(stack: CleanedStack, yard: Yard) -> None:
    elsewhere = yard.start("t")
    sweep = cleanup_program(select={"tags": ["t"]}, when="apply", triggers=["one"])
    tagged = "configuration={'session': {'tags': ['t']}}"
    batch = f"ab.Batch('made', count=2, {tagged}, opts=ResourceOptions(depends_on=[sweep]))"
    stack.up(sweep + batch)
    assert yard.gone() == {elsewhere}
    made = stack.outputs("made")["batch_id"]
    stack.up(sweep.replace("'one'", "'two'") + batch)
    assert yard.there() == {made}


def test_after_a_rename_of_the_stack_a_new_stack_of_the_old_name_stops_none_of_its_batches(
    engine_stack: CleanedStack, yard: Yard
) -> None:
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    engine_stack.up("ab.Batch('made', count=2)\n")
    live = yard.running()
    stage.run("stack", "rename", "renamed")
    stage.run("stack", "init")
    engine_stack.up(cleanup_program(select={"tags": ["pulumi"]}, when="apply"))
    assert yard.running() == live != set()


def test_a_cleanup_runs_before_what_it_depends_on_is_destroyed(stack: CleanedStack, yard: Yard) -> None:
    network = "network = ab.Batch('network', count=1)\n"
    sweep = cleanup_program(select={"owner": "any", "tags": ["t"]}, opts="ResourceOptions(depends_on=[network])")
    stack.up(network + sweep)
    network_id = stack.outputs("network")["batch_id"]
    browsers = yard.start("t")
    stack.destroy()
    assert stack.calls == [f"DELETE {browsers}", f"DELETE {network_id}"]


@pytest.mark.parametrize("order", ["sweep first", "batch first"])
def test_a_destroy_counts_every_session_once_where_a_cleanup_matches_the_stacks_own_batch(
    stack: CleanedStack, yard: Yard, order: str
) -> None:
    batch = "made = ab.Batch('made', count=3, configuration={{'session': {{'tags': ['t']}}}}{opts})\n"
    if order == "sweep first":
        body = batch.format(opts="") + cleanup_program(
            select={"tags": ["t"]}, opts="ResourceOptions(depends_on=[made])"
        )
    else:
        sweep = cleanup_program(select={"tags": ["t"]})
        body = sweep + batch.format(opts=", opts=ResourceOptions(depends_on=[sweep])")
    stack.up(body)
    made = stack.outputs("made")["batch_id"]
    stack.destroy()
    assert stack.calls == [f"DELETE {made}"]
    assert yard.there() == set()
    assert [one.deleted_sessions for one in yard.receipts.of_batch(made) if one.operation == "delete"] == [3]


def test_failures_are_an_error_and_the_next_run_stops_what_is_left(stack: CleanedStack, yard: Yard) -> None:
    batches = [yard.start("t") for _ in range(4)]
    stack.up(cleanup_program(select={"owner": "any", "tags": ["t"]}))
    yard.fail_deletes_of(batches[1])
    result = stack.destroy(expect_failure=True)
    [error] = errors(result)
    assert "Could not clean up everything: 1 failed" in error
    assert batches[1] in error
    assert yard.there() == {batches[1]}
    yard.sim.faults.clear()
    stack.destroy()
    assert stack.calls == [f"DELETE {batches[1]}"]
    assert yard.there() == set()


def test_failures_are_a_warning_with_on_failure_warn(stack: CleanedStack, yard: Yard) -> None:
    batches = [yard.start("t") for _ in range(3)]
    yard.fail_deletes_of(batches[0])
    program = cleanup_program(select={"owner": "any", "tags": ["t"]}, when="apply", on_failure="warn")
    result = stack.up(program)
    assert any("Could not clean up everything: 1 failed" in line for line in result.messages("warning"))
    outputs = stack.outputs()
    assert [row["batch_id"] for row in outputs["failures"]] == [batches[0]]
    assert (outputs["cleaned_batches"], outputs["failed_batches"], outputs["deleted_sessions"]) == (2, 1, 4)


def test_all_wrong_inputs_are_refused_at_once_with_the_nearest_right_name(
    rehearsal_stack: CleanedStack, yard: Yard
) -> None:
    program = cleanup_program(select={"older_then": "1h", "tags": ["a,b"]}, action="stop")
    result = rehearsal_stack.up(program, expect_failure=True)
    assert "did you mean 'older_than'?" in result.text
    assert "a tag must not be empty or contain a comma" in result.text
    assert "property action" in result.text
    assert yard.sim.requests == []


@pytest.mark.parametrize(
    ("owner", "reason"),
    [("this", "'this' can match nothing"), (THIS, "is this stack"), ("dev", "organization/project/stack")],
)
def test_its_own_stack_cannot_be_selected(rehearsal_stack: CleanedStack, yard: Yard, owner: str, reason: str) -> None:
    result = rehearsal_stack.up(cleanup_program(select={"owner": owner}), expect_failure=True)
    assert reason in result.text
    assert yard.sim.requests == []


def test_no_hidden_input_of_a_cleanup_is_in_the_state(rehearsal_stack: CleanedStack) -> None:
    rehearsal_stack.up(cleanup_program(select={"tags": ["t"]}, when="apply"))
    [resource] = [one for one in rehearsal_stack.stage.export()["deployment"]["resources"] if "sweep" in one["urn"]]
    assert set(resource["inputs"]) == {
        "__provider", "select", "action", "when", "limit", "dry_run", "allow_all", "on_failure", "owner"
    }  # fmt: skip


def test_a_preview_shows_the_plan_and_stops_nothing(engine_stack: CleanedStack, yard: Yard) -> None:
    batch = yard.start("t")
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    select = {"tags": ["t"]}
    engine_stack.program(cleanup_program(select=select, when="apply"))
    yard.sim.clear_requests()
    preview = stage.preview()
    plan = f"cleanup, plan: would delete 1 batch (2 sessions requested): {batch}"
    assert plan in preview.messages("info")
    assert engine_stack.calls == []
    engine_stack.up()
    assert yard.there() == set()
    another = yard.start("t")
    assert stage.preview().changes == {}
    engine_stack.program(cleanup_program(select=select, when="apply", triggers=["again"]))
    preview = stage.preview()
    assert preview.changes == {"update": 1}
    assert any(another in line for line in preview.messages("info"))
    assert yard.there() == {another}


def test_a_preview_without_a_key_warns_that_there_is_no_plan(engine_stack: CleanedStack, yard: Yard) -> None:
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    del stage.env["ANCHORBROWSER_API_KEY"]
    engine_stack.program(cleanup_program(select={"tags": ["t"]}, when="apply"))
    warnings = stage.preview().messages("warning")
    assert any("could not list what the cleanup would do: There is no AnchorBrowser API key" in one for one in warnings)
    assert yard.sim.requests == []

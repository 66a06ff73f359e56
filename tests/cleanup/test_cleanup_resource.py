"""`BatchCleanup` on both stages: when it runs, what it takes, what it tells, and what it never touches."""

from __future__ import annotations

import pytest
from stages import EngineStage
from yard import HOUR, OTHER, THIS, CleanedStack, Yard, cleanup_program, owned


def test_a_cleanup_on_destroy_does_nothing_on_apply_and_takes_its_batches_on_a_plain_destroy(
    stack: CleanedStack, yard: Yard
) -> None:
    mine, also_mine, other = yard.start(*owned(THIS)), yard.start(*owned(THIS), count=3), yard.start(*owned(OTHER))
    stack.up(cleanup_program(select={"owner": "this"}))
    assert stack.calls == []
    assert stack.outputs().get("matched") is None
    assert stack.has_nothing_to_do()
    assert stack.refresh().changes == {}
    assert stack.has_nothing_to_do()

    result = stack.destroy()
    assert sorted(stack.calls) == sorted([f"DELETE {mine}", f"DELETE {also_mine}"])
    assert yard.there() == {other}
    lines = result.messages("info")
    assert any("about to delete: 2 batches with 5 sessions" in line and mine in line for line in lines)
    assert "cleanup: 2 of 2 batches cleaned up, 5 sessions deleted, 0 failed" in lines


def test_a_cleanup_on_apply_takes_its_batches_once_and_its_counts_are_outputs(stack: CleanedStack, yard: Yard) -> None:
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
    assert [(row["batch_id"], row["outcome"]) for row in outputs["results"]] == [(older, "done")]
    assert stack.has_nothing_to_do()
    stack.refresh()
    assert stack.has_nothing_to_do()
    stack.destroy()
    assert stack.calls == []
    assert yard.there() == {old}


def test_a_changed_trigger_or_action_runs_it_again_and_a_changed_limit_is_only_recorded(
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
    assert any("about to delete: 1 batch" in line and second in line for line in result.messages("info"))


def test_dry_run_plans_in_an_output_and_calls_nothing_that_changes_even_on_destroy(
    stack: CleanedStack, yard: Yard
) -> None:
    batch = yard.start("t")
    result = stack.up(cleanup_program(select={"owner": "any", "tags": ["t"]}, when="both", dry_run=True))
    assert stack.calls == []
    assert [(row["batch_id"], row["action"]) for row in stack.outputs()["plan"]] == [(batch, "delete")]
    assert stack.outputs()["results"] == []
    assert any("dry run: would delete: 1 batch" in line for line in result.messages("info"))
    stack.destroy()
    assert stack.calls == []
    assert yard.there() == {batch}


def test_more_batches_than_the_limit_are_refused_with_their_number_and_nothing_is_done(
    stack: CleanedStack, yard: Yard
) -> None:
    for _ in range(3):
        yard.start("t")
    program = cleanup_program(select={"owner": "any", "tags": ["t"]}, when="apply", limit=2)
    result = stack.up(program, expect_failure=True)
    assert stack.calls == []
    [error] = [line for line in result.messages("error") if "AnchorBrowserError" in line]
    assert "3 batches match, and limit is 2" in error
    assert "\n" not in error.strip()


def test_a_destroy_that_finds_too_many_says_that_an_up_comes_first(stack: CleanedStack, yard: Yard) -> None:
    select = {"owner": "any", "tags": ["t"]}
    stack.up(cleanup_program(select=select, limit=1))
    batches = {yard.start("t"), yard.start("t")}
    result = stack.destroy(expect_failure=True)
    assert "2 batches match, and limit is 1" in result.text
    assert "A destroy uses the values of the last `pulumi up`" in result.text
    assert yard.there() == batches
    stack.up(cleanup_program(select=select, limit=2))
    assert stack.calls == []
    stack.destroy()
    assert yard.gone() == batches


def test_of_500_batches_a_destroy_takes_exactly_the_137_that_match(engine_stack: CleanedStack, yard: Yard) -> None:
    engine_stack.up(cleanup_program(select={"owner": "this", "statuses": ["completed"]}, limit=137))
    wanted = {yard.start(*owned(THIS), count=1) for _ in range(137)}
    protected = {yard.start(*owned(THIS, "pulumi-protect"), count=1) for _ in range(63)}
    others = {yard.start(*owned(OTHER), count=1) for _ in range(300)}
    result = engine_stack.destroy()
    assert yard.gone() == wanted
    assert yard.there() == protected | others
    assert "cleanup: 137 of 137 batches cleaned up, 137 sessions deleted, 0 failed" in result.messages("info")


@pytest.mark.parametrize("select", [{}, {"owner": "any"}, {"owner": "any", "older_than": 0}])
def test_a_selection_of_everything_is_refused_before_anything_is_called(
    rehearsal_stack: CleanedStack, yard: Yard, select: object
) -> None:
    yard.start()
    result = rehearsal_stack.up(cleanup_program(select=select, when="apply"), expect_failure=True)
    assert yard.sim.requests == []
    assert "allow_all" in result.text
    rehearsal_stack.up(cleanup_program(select=select, when="apply", allow_all=True))
    assert yard.there() == set()


def test_protected_and_excluded_batches_are_left_alone_and_named(stack: CleanedStack, yard: Yard) -> None:
    protected, excluded = yard.start("t", "pulumi-protect"), yard.start("t", "keep")
    by_id, taken = yard.start("t"), yard.start("t")
    select, exclude = {"owner": "any", "tags": ["t"]}, {"tags": ["keep"], "batch_ids": [by_id]}
    stack.up(cleanup_program(select=select, exclude=exclude, when="apply"))
    assert stack.calls == [f"DELETE {taken}"]
    left = {row["batch_id"]: row["kind"] for row in stack.outputs()["left_alone"]}
    assert left == {protected: "protected", excluded: "excluded", by_id: "excluded"}


@pytest.mark.parametrize("first", ["batch", "cleanup"])
def test_batches_that_this_run_declares_are_never_touched_whatever_comes_first(
    stack: CleanedStack, yard: Yard, first: str
) -> None:
    leftover = yard.start(*owned(THIS))
    adopted = yard.start(*owned(OTHER, "t"))
    batches = f"ab.Batch('made', count=2)\nab.Batch('adopted', batch_id={adopted!r})\n"
    sweep = cleanup_program(select={"owner": "this"}, when="apply", triggers=["one"])
    others = cleanup_program("others", select={"owner": OTHER}, when="apply", triggers=["one"])

    def program(trigger: str) -> str:
        parts = [batches, (sweep + others).replace("'one'", repr(trigger))]
        return "".join(parts if first == "batch" else reversed(parts))

    stack.up(program("one"))
    made = stack.outputs("made")["batch_id"]
    assert yard.there() == {made, adopted}
    assert leftover in yard.gone()
    stack.up(program("two"))
    assert stack.calls == []
    assert yard.there() == {made, adopted}
    # Their removal from the program runs them, in a run that still declares the batches.
    stack.up(batches)
    assert yard.there() == {made, adopted}
    stack.destroy()
    assert yard.there() == set()


def test_a_cleanup_that_a_batch_depends_on_leaves_all_batches_of_the_stack_alone(
    stack: CleanedStack, yard: Yard
) -> None:
    leftover, elsewhere = yard.start(*owned(THIS, "t")), yard.start("t")
    select = {"owner": "any", "tags": ["t"]}
    sweep = cleanup_program(select=select, when="apply", triggers=["one"])
    tagged = "configuration={'session': {'tags': ['t']}}"
    batch = f"ab.Batch('made', count=2, {tagged}, opts=ResourceOptions(depends_on=[sweep]))"
    result = stack.up(sweep + batch)
    assert yard.gone() == {elsewhere}
    assert any("it may be that of made" in line for line in result.messages("warning"))
    made = stack.outputs("made")["batch_id"]
    stack.up(sweep.replace("'one'", "'two'") + batch)
    assert yard.there() == {leftover, made}


def test_a_cleanup_runs_before_what_it_depends_on_is_destroyed(stack: CleanedStack, yard: Yard) -> None:
    network = "network = ab.Batch('network', count=1)\n"
    sweep = cleanup_program(select={"owner": "any", "tags": ["t"]}, opts="ResourceOptions(depends_on=[network])")
    stack.up(network + sweep)
    network_id = stack.outputs("network")["batch_id"]
    browsers = yard.start("t")
    stack.destroy()
    assert stack.calls == [f"DELETE {browsers}", f"DELETE {network_id}"]


@pytest.mark.parametrize("order", ["sweep first", "batch first"])
def test_a_destroy_counts_no_session_twice_when_a_cleanup_and_a_batch_mean_the_same_batch(
    stack: CleanedStack, yard: Yard, order: str
) -> None:
    batch = "made = ab.Batch('made', count=3{opts})\n"
    if order == "sweep first":
        body = batch.format(opts="") + cleanup_program(
            select={"owner": "this"}, opts="ResourceOptions(depends_on=[made])"
        )
    else:
        sweep = cleanup_program(select={"owner": "this"})
        body = sweep + batch.format(opts=", opts=ResourceOptions(depends_on=[sweep])")
    stack.up(body)
    made = stack.outputs("made")["batch_id"]
    stack.destroy()
    assert yard.there() == set()
    assert yard.receipts.counts(made).deleted_sessions == 3


def test_failures_are_an_error_and_the_rest_is_done_and_the_next_run_does_what_is_left(
    stack: CleanedStack, yard: Yard
) -> None:
    batches = [yard.start("t") for _ in range(4)]
    stack.up(cleanup_program(select={"owner": "any", "tags": ["t"]}))
    yard.fail_deletes_of(batches[1])
    result = stack.destroy(expect_failure=True)
    [error] = [line for line in result.messages("error") if "AnchorBrowserError" in line]
    assert "Could not clean up 1 batches" in error
    assert batches[1] in error
    assert yard.there() == {batches[1]}
    yard.sim.faults.clear()
    stack.destroy()
    assert stack.calls == [f"DELETE {batches[1]}"]
    assert yard.there() == set()


def test_failures_are_a_warning_where_that_is_chosen(stack: CleanedStack, yard: Yard) -> None:
    batches = [yard.start("t") for _ in range(3)]
    yard.fail_deletes_of(batches[0])
    program = cleanup_program(select={"owner": "any", "tags": ["t"]}, when="apply", on_failure="warn")
    result = stack.up(program)
    assert any("Could not clean up 1 batches" in line for line in result.messages("warning"))
    outputs = stack.outputs()
    assert [row["batch_id"] for row in outputs["failures"]] == [batches[0]]
    assert (outputs["cleaned_batches"], outputs["failed_batches"], outputs["deleted_sessions"]) == (2, 1, 4)


def test_wrong_inputs_are_all_told_at_once_with_what_was_probably_meant(
    rehearsal_stack: CleanedStack, yard: Yard
) -> None:
    program = cleanup_program(select={"older_then": "1h", "tags": ["a,b"]}, action="stop")
    result = rehearsal_stack.up(program, expect_failure=True)
    assert "did you mean 'older_than'?" in result.text
    assert "a tag is not empty and has no comma" in result.text
    assert "property action" in result.text
    assert yard.sim.requests == []


def test_a_preview_shows_what_would_go_and_calls_nothing_that_changes(engine_stack: CleanedStack, yard: Yard) -> None:
    batch = yard.start("t")
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    select = {"owner": "any", "tags": ["t"]}
    engine_stack.program(cleanup_program(select=select, when="apply"))
    yard.sim.clear_requests()
    preview = stage.preview()
    assert any(f"preview: would delete: 1 batch with 2 sessions: {batch}" in line for line in preview.messages("info"))
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


def test_a_preview_without_a_key_still_works_and_says_what_it_cannot_tell(
    engine_stack: CleanedStack, yard: Yard
) -> None:
    stage = engine_stack.stage
    assert isinstance(stage, EngineStage)
    del stage.env["ANCHORBROWSER_API_KEY"]
    engine_stack.program(cleanup_program(select={"owner": "this"}, when="apply"))
    assert any("cannot be told" in line for line in stage.preview().messages("warning"))
    assert yard.sim.requests == []

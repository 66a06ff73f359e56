"""The stages themselves: the same small scenario gives the same answers on both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from stages import NO_ENGINE, Diagnostic, EngineStage, NativeStage, RehearsalStage, Stage
from stages.cli import is_foreign
from stages.native import told_in_python

PROGRAM = """
import json, os, sys, time, uuid
from pathlib import Path
import grpc
import pulumi
from pulumi.dynamic import *
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

SHELF = Path({shelf!r})

class Provider(ResourceProvider):
    serialize_as_secret_always = False
    def configure(self, req):
        self.who = req.config.get("demo:who")
        self.key = req.config.get("demo:key")
    def check(self, olds, news):
        bad = [CheckFailure("size", "too small")] if news["size"] < 0 else []
        return CheckResult(news, bad)
    def diff(self, id, olds, news):
        return DiffResult(changes=olds["size"] != news["size"] or olds["kind"] != news["kind"],
                          replaces=["kind"] if olds["kind"] != news["kind"] else [])
    def create(self, props):
        if props["size"] == 13:
            raise ValueError("thirteen is refused")
        self.say("created " + str(self.who))
        id = uuid.uuid4().hex
        (SHELF / id).write_text(json.dumps(props["size"]))
        if os.environ.get("SHELF_SLOW"):
            time.sleep(float(os.environ["SHELF_SLOW"]))
        return CreateResult(id, {{**props, "who": self.who, "key": self.key}})
    def update(self, id, olds, news):
        (SHELF / id).write_text(json.dumps(news["size"]))
        return UpdateResult({{**news, "who": self.who, "key": self.key}})
    def read(self, id, props):
        if not (SHELF / id).exists():
            return ReadResult(None, {{}})
        return ReadResult(id, {{**props, "size": json.loads((SHELF / id).read_text())}})
    def delete(self, id, props):
        (SHELF / id).unlink()
    def say(self, message):
        engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(sys.argv[1]))
        for severity, ephemeral in ((engine_pb2.INFO, True), (engine_pb2.WARNING, False)):
            engine.Log(engine_pb2.LogRequest(severity=severity, message=message, ephemeral=ephemeral))

class Thing(Resource):
    size: pulumi.Output[int]
    who: pulumi.Output[str]
    key: pulumi.Output[str]
    note: pulumi.Output[str]
    def __init__(self, name, size, kind="box", note="", opts=None):
        props = {{"size": size, "kind": kind, "who": None, "key": None, "note": note}}
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["key"])
        super().__init__(Provider(), name, props, pulumi.ResourceOptions.merge(hidden, opts))

class Shelf(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("demo:index:Shelf", "shelf")
        self.register_outputs({{}})

config = pulumi.Config()
{body}
"""

BODY = """
thing = Thing("lamp", config.get_int("size") or 1, config.get("kind") or "box", config.get_secret("note") or "")
Thing("child", thing.size, opts=pulumi.ResourceOptions(parent=Shelf()))
pulumi.export("size", thing.size)
pulumi.export("who", thing.who)
pulumi.export("key", thing.key)
pulumi.export("names", [pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack()])
pulumi.export("env", sorted(n for n in os.environ if n.startswith("ANCHORBROWSER_")))
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "shelf").mkdir()
    return tmp_path / "shelf"


def program(shelf: Path, body: str = BODY) -> str:
    return PROGRAM.format(shelf=str(shelf), body=body)


def names(steps: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((kind, urn.split("::")[-1]) for kind, urn in steps)


@pytest.mark.engine_decides
def test_a_whole_life_is_the_same_on_both_stages(stage: Stage, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANCHORBROWSER_API_KEY", "of the machine")
    stage.env["ANCHORBROWSER_BASE_URL"] = "http://127.0.0.1:9"
    stage.write_program(program(shelf))
    stage.config(who="me", size="2")
    stage.set_secret("key", "s3cret")
    stage.set_secret("note", "hush")

    created = stage.up()
    assert names(created.steps) == [("create", "child"), ("create", "lamp"), ("create", "shelf")]
    assert created.outputs == {
        "size": 2,
        "who": "me",
        "key": "s3cret",
        "names": ["organization", "demo", "dev"],
        "env": ["ANCHORBROWSER_BASE_URL"],
    }
    assert created.messages("warning") == ["created me", "created me"]
    assert [line.message for line in created.status] == ["created me", "created me"]
    assert "created me" in created.text

    assert stage.resource_outputs("lamp")["key"] == "s3cret"
    assert stage.resource_outputs("lamp")["note"] == "hush"
    exported = json.dumps(stage.export())
    assert '"id"' in exported
    assert "s3cret" not in exported
    assert "hush" not in exported
    assert stage.urn("child") == "urn:pulumi:dev::demo::demo:index:Shelf$pulumi-python:dynamic:Resource::child"

    same = stage.up()
    assert (same.operations, same.changes) == ({"same": 3}, {})
    stage.config(size="3")
    assert stage.up().operations == {"update": 2, "same": 1}
    stage.config(kind="jar")
    assert names(stage.up().steps) == [
        ("delete-replaced", "lamp"),
        ("replace", "lamp"),
        ("same", "child"),
        ("same", "shelf"),
    ]
    assert stage.up(replace_urn=stage.urn("lamp")).operations["replace"] == 1
    assert len(list(shelf.iterdir())) == 2

    gone = stage.destroy()
    assert names(gone.steps) == [("delete", "child"), ("delete", "lamp"), ("delete", "shelf")]
    assert gone.outputs == {}
    assert list(shelf.iterdir()) == []


def test_drift_is_found_by_a_refresh_on_both_stages(stage: Stage, shelf: Path) -> None:
    body = 'thing = Thing("kept", 1); Thing("grown", 1); Thing("gone", 1); Shelf()'
    stage.write_program(program(shelf, body))
    stage.up()
    ids = {r["urn"].split("::")[-1]: r.get("id") for r in stage.export()["deployment"]["resources"]}
    (shelf / ids["grown"]).write_text("7")
    (shelf / ids["gone"]).unlink()

    assert names(stage.refresh().steps) == [("delete", "gone"), ("read", "kept"), ("update", "grown")]
    assert stage.resource_outputs("grown")["size"] == 7
    (shelf / ids["kept"]).unlink()
    again = stage.up(refresh=True)
    assert ("delete", "kept") in names(again.steps)
    assert names(again.steps).count(("create", "kept")) == names(again.steps).count(("create", "gone")) == 1


def test_a_refused_input_and_a_failed_create_read_the_same_on_both_stages(stage: Stage, shelf: Path) -> None:
    stage.write_program(program(shelf, 'Thing("first", 1); Thing("lamp", -1)'))
    refused = stage.up(expect_failure=True)
    kind = "pulumi-python:dynamic:Resource resource 'lamp'"
    assert refused.messages("error") == [f"{kind}: property size value {{-1}} has a problem: too small"]

    stage.write_program(program(shelf, 'Thing("lamp", 13)'))
    failed = stage.up(expect_failure=True)
    assert any("ValueError: thirteen is refused" in message for message in failed.messages("error"))
    assert "lamp" not in [r["urn"].split("::")[-1] for r in stage.export()["deployment"].get("resources", [])]


def test_refresh_and_destroy_use_the_config_of_the_last_up_on_both_stages(stage: Stage, shelf: Path) -> None:
    body = 'Thing("lamp", config.require_int("size"))'
    source = program(shelf, body).replace(
        "        if not (SHELF / id).exists():",
        '        print("read by", self.who)\n        if not (SHELF / id).exists():',
    )
    stage.write_program(source)
    stage.config(who="first", size="1")
    stage.up()
    stage.config(who="second")
    assert "read by first" in stage.refresh().messages("info")
    refreshed = stage.up(refresh=True)
    assert "read by first" in refreshed.messages("info")
    stage.config(size="2")
    stage.up()
    assert stage.resource_outputs("lamp")["who"] == "second"


def test_deletes_of_a_program_without_resources_use_the_config_of_the_last_up(stage: Stage, shelf: Path) -> None:
    source = program(shelf, 'if config.get("present"): Thing("lamp", 1)')
    stage.write_program(source.replace("        (SHELF / id).unlink()", '        print("deleted by", self.who)'))
    stage.config(who="first", present="yes")
    stage.up()
    stage.config(who="second", present=None)
    gone = stage.up()
    assert gone.operations == {"delete": 1}
    assert "deleted by first" in gone.messages("info")


def test_an_unexpected_failure_and_an_unexpected_success_show_everything_printed(stage: Stage) -> None:
    stage.write_program("raise RuntimeError('no such program')")
    with pytest.raises(AssertionError, match="no such program"):
        stage.up()
    stage.write_program("print('all is well')")
    with pytest.raises(AssertionError, match="all is well"):
        stage.up(expect_failure=True)


def test_a_config_value_can_be_removed(stage: Stage) -> None:
    stage.write_program("import pulumi\npulumi.export('size', pulumi.Config().get('size') or 'none')")
    stage.config(size="1")
    assert stage.up().outputs == {"size": "1"}
    stage.config(size=None)
    assert stage.up().outputs == {"size": "none"}


def test_a_preview_tells_what_an_up_would_change(engine_stage: EngineStage, shelf: Path) -> None:
    engine_stage.write_program(program(shelf))
    assert engine_stage.preview().changes == {"create": 3}
    engine_stage.up()
    assert engine_stage.preview().changes == {}
    engine_stage.config(kind="jar")
    assert engine_stage.preview().changes["replace"] == 1
    assert len(list(shelf.iterdir())) == 2


def wait_for(what: Path, count: int, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while len(list(what.iterdir())) < count:
        assert time.monotonic() < until, "nothing was created in time"
        time.sleep(0.02)


@pytest.mark.engine_decides
def test_one_ctrl_c_lets_a_create_in_flight_end_and_be_recorded(engine_stage: EngineStage, shelf: Path) -> None:
    engine_stage.env["SHELF_SLOW"] = "2"
    engine_stage.write_program(program(shelf, 'Thing("lamp", 1)'))
    command = engine_stage.start_up()
    wait_for(shelf, 1)
    command.interrupt()
    result = engine_stage.finished(command)
    assert result.failed
    [thing] = shelf.iterdir()
    assert [r["id"] for r in engine_stage.export()["deployment"]["resources"] if r["urn"].endswith("::lamp")] == [
        thing.name
    ]
    assert command.pids() == []


@pytest.mark.engine_decides
def test_a_kill_of_everything_leaves_a_pending_operation_and_no_process(engine_stage: EngineStage, shelf: Path) -> None:
    engine_stage.env["SHELF_SLOW"] = "60"
    engine_stage.write_program(program(shelf, 'Thing("lamp", 1)'))
    command = engine_stage.start_up()
    wait_for(shelf, 1)
    assert len(command.pids()) >= 3
    command.kill_all()
    assert command.pids() == []
    engine_stage.cancel()
    pending = engine_stage.export()["deployment"]["pending_operations"]
    assert [(p["type"], p["resource"]["urn"].split("::")[-1]) for p in pending] == [("creating", "lamp")]

    engine_stage.env.clear()
    assert engine_stage.up().operations == {"create": 1}


def test_a_stage_sees_nothing_of_the_machine(rehearsal_stage: RehearsalStage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULUMI_ACCESS_TOKEN", "ANCHORBROWSER_API_KEY", "https_proxy"):
        monkeypatch.setenv(name, "of the machine")
        assert is_foreign(name)
    rehearsal_stage.write_program(
        "import os, pulumi\npulumi.export('seen', sorted(n for n, v in os.environ.items() if v == 'of the machine'))"
    )
    assert rehearsal_stage.up().outputs == {"seen": []}
    assert os.environ["https_proxy"] == "of the machine"


def test_the_native_stage_runs_the_plugin_and_shows_names_as_python_has_them(native_stage: NativeStage) -> None:
    native_stage.write_program("from pulumi_anchorbrowser import Batch\nBatch('browsers', count=1, on_destroy='never')")
    result = native_stage.up(expect_failure=True)
    [error] = result.messages("error")
    assert error.startswith("anchorbrowser:index:Batch resource 'browsers': property on_destroy value {never} ")
    assert "property onDestroy value {never} " in result.text, "the plugin itself says it otherwise"


def test_the_native_stage_finds_a_name_of_pythons_in_what_the_plugin_says() -> None:
    line = Diagnostic("info", "live_status is 'failed'", "urn:pulumi:dev::demo::anchorbrowser:index:Batch::browsers")
    with pytest.raises(AssertionError, match="live_status"):
        told_in_python(line)
    assert told_in_python(line._replace(message="liveStatus is 'failed'")) == line


def summary_without_an_engine(*options: str) -> str:
    """Run three tests of this file where no CLI is found. What pytest printed."""
    chosen = ["-k", "preview_tells or ctrl_c_lets or config_value"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", __file__, *chosen, "-p", "no:cacheprovider", *options],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PATH": str(Path(sys.executable).parent)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_the_summary_reports_tests_without_an_engine_and_tests_left_to_the_long_run() -> None:
    printed = summary_without_an_engine()
    assert f"engine tests skipped: 1 ({NO_ENGINE})" in printed
    assert "tests left to make test-long: 2 (engine tests among them: 2)" in printed
    assert "1 passed, 1 skipped" in printed


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--long"], "1 passed, 3 skipped"),
        (["-m", "long"], "2 skipped"),
        (["-n", "2"], "tests left to make test-long: 2 (engine tests among them: 2)"),
    ],
    ids=" ".join,
)
def test_long_tests_run_only_where_they_are_asked_for(options: list[str], said: str) -> None:
    assert said in summary_without_an_engine(*options)

"""Programs from files, the environment they run in, and what of it is left afterwards."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pulumi
import pytest
from rehearsal.shelf import Thing

from pulumi_anchorbrowser import Batch
from pulumi_anchorbrowser.rehearsal import LogLine, Rehearsal, RehearsalError
from pulumi_anchorbrowser.simulator import Simulator

PROGRAM = """
import os
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider
from shelf_helper import NAME

class Provider(ResourceProvider):
    def create(self, props):
        print("made by the host")
        return CreateResult("id-1", {**props, "cwd": os.getcwd(), "mode": os.environ.get("SHELF_MODE")})

class Made(Resource):
    cwd: pulumi.Output[str]
    mode: pulumi.Output[str]
    def __init__(self):
        super().__init__(Provider(), NAME, {"cwd": None, "mode": None})

made = Made()
pulumi.export("host", [made.cwd, made.mode])
pulumi.export("program", [os.getcwd(), os.environ.get("SHELF_MODE"), __name__])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder whose provider is defined in the program itself, and so is pickled by value."""
    (tmp_path / "Pulumi.yaml").write_text("name: from-yaml\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "shelf_helper.py").write_text("NAME = 'first'\n")
    return tmp_path


def test_a_project_folder_runs_as_its_language_host_would_run_it(folder: Path) -> None:
    with Rehearsal(folder, env={"SHELF_MODE": "quiet"}) as stage:
        result = stage.up()
    assert result.outputs == {
        "host": [str(folder), "quiet"],
        "program": [str(folder), "quiet", "__main__"],
    }
    assert [urn.split("::")[1] for urn in stage.resources] == ["from-yaml"]
    assert LogLine("stdout", "made by the host") in result.log


def test_the_program_and_its_helpers_are_run_afresh_at_each_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    helper = folder / "shelf_helper.py"
    with Rehearsal(folder) as stage:
        stage.up()
        written = helper.stat()
        # As long as it was, and in the same second: all that bytecode knows of its source.
        helper.write_text(helper.read_text().replace("first", "other"))
        os.utime(helper, ns=(written.st_atime_ns, written.st_mtime_ns))
        assert stage.up().counts == {"create": 1, "delete": 1}
        assert [resource.name for resource in stage.resources.values()] == ["other"]
    assert not (folder / "__pycache__").exists()


def test_a_run_leaves_directory_path_environment_and_modules_as_they_were(folder: Path) -> None:
    before = (Path.cwd(), list(sys.path), dict(os.environ), list(sys.argv))
    with Rehearsal(folder, env={"SHELF_MODE": "quiet", "HOME": None}) as stage:
        stage.up()
    assert (Path.cwd(), list(sys.path), dict(os.environ), list(sys.argv)) == before
    assert "shelf_helper" not in sys.modules


def test_a_run_leaves_the_pickler_no_deeper_than_it_was_however_many_runs_follow(folder: Path) -> None:
    before = dict(vars(pickle._Pickler))  # noqa: SLF001
    with Rehearsal(folder) as stage:
        stage.up()
    assert dict(vars(pickle._Pickler)) == before  # noqa: SLF001


def test_a_single_file_runs_too(folder: Path) -> None:
    with Rehearsal(folder / "__main__.py", project="demo") as stage:
        assert stage.up().counts == {"create": 1}


def test_a_file_with_an_error_in_it_is_reported_with_its_line(folder: Path) -> None:
    (folder / "__main__.py").write_text("import pulumi\n1 / 0\n")
    with Rehearsal(folder) as stage, pytest.raises(RehearsalError, match=r'__main__\.py", line 2') as caught:
        stage.up()
    assert "ZeroDivisionError" in caught.value.messages[0]


def test_log_lines_of_provider_and_program_are_kept_in_order_with_urn_and_ephemeral(tmp_path: Path) -> None:
    def program() -> None:
        pulumi.log.info("begun")
        Thing("lamp", tmp_path)

    with Rehearsal(program, project="demo") as stage:
        result = stage.up()
        assert result.log == [
            LogLine("info", "begun", "", False),
            LogLine("info", "created lamp", "urn:x", True),
            LogLine("warning", "created lamp", "urn:x", False),
        ]
        assert result.messages("warning") == ["created lamp"]
        assert stage.up().log == [LogLine("info", "begun", "", False)]


def test_a_proxy_in_the_environment_is_not_used_for_loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Rehearsal(lambda: Thing("lamp", tmp_path), project="demo") as stage:
        assert stage.up().messages("warning") == ["created lamp"]
        assert stage.destroy().counts == {"delete": 1}


def test_a_rehearsal_runs_inside_a_running_event_loop(tmp_path: Path) -> None:
    import asyncio

    async def main() -> int:
        with Rehearsal(lambda: Thing("lamp", tmp_path), project="demo") as stage:
            return stage.up().counts["create"]

    assert asyncio.run(main()) == 1


def test_a_rehearsal_warns_of_what_it_does_not_run(tmp_path: Path) -> None:
    def program() -> None:
        options = pulumi.ResourceOptions(transforms=[lambda _args: None])
        Thing("lamp", tmp_path, options)

    with Rehearsal(program) as stage:
        assert "a rehearsal does not run the transforms of this resource" in stage.up().messages("warning")


def test_a_rehearsal_keeps_its_receipts_where_no_real_run_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORBROWSER_RECEIPTS", str(tmp_path / "real.sqlite3"))
    with Simulator({"a-key": "team"}) as api:
        config, secrets = {"anchorbrowser:baseUrl": api.url}, {"anchorbrowser:apiKey": "a-key"}
        with Rehearsal(lambda: Batch("browsers", count=1), config=config, secret_config=secrets) as stage:
            own = Path(str(stage.env["ANCHORBROWSER_RECEIPTS"]))
            stage.up()
            assert own.exists()
            stage.destroy()
    assert not (tmp_path / "real.sqlite3").exists()
    assert not own.parent.exists()

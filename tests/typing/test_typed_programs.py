"""What is wrong with a program is a type error first; where no type checker is asked, it is one line at preview."""

from __future__ import annotations

import re
import shutil
import typing
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
from user_programs import PROGRAMS, RIGHT, Found, Wrong, pyright_errors, type_errors, wrong_statements

import pulumi_anchorbrowser
from pulumi_anchorbrowser.api import configuration
from pulumi_anchorbrowser.rehearsal import Rehearsal, RehearsalError
from pulumi_anchorbrowser.simulator import Simulator

WRONG = wrong_statements()
INPUT_NAMES = {"Output": pulumi.Output, "T": typing.TypeVar("T")}
SECRETS = {"anchorbrowser:apiKey": "simulated-key"}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def stack(sim: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """One stack for programs that all fail before anything is made."""
    config = {"anchorbrowser:baseUrl": sim.url, "anchorbrowser:pollInterval": "0.1"}
    env = {"PULUMI_HOME": str(tmp_path_factory.mktemp("home"))}
    with Rehearsal(lambda: None, config=config, secret_config=SECRETS, env=env, reuse_host=True) as made:
        yield made


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    """What the type checker finds in all of the programs."""
    return type_errors([*(PROGRAMS / name for name in RIGHT), PROGRAMS / "wrong.py"], tmp_path_factory.mktemp("mypy"))


def test_right_programs_have_no_type_error(found: list[Found]) -> None:
    assert [error for error in found if error.file in RIGHT] == []


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"line {wrong.line}")
def test_what_is_wrong_is_a_type_error_where_it_stands(wrong: Wrong, found: list[Found]) -> None:
    here = {e.code for e in found if e.file == "wrong.py" and e.line in wrong.lines}
    assert here == wrong.codes, wrong.statement


def test_there_is_a_mark_for_every_type_error(found: list[Found]) -> None:
    marked = {line for wrong in WRONG for line in wrong.lines}
    assert {error.line for error in found if error.file == "wrong.py"} <= marked
    assert len(WRONG) > 30


@pytest.mark.skipif(shutil.which("pyright") is None, reason="pyright is not on PATH")
def test_pyright_reports_the_wrong_statements_and_nothing_else(tmp_path: Path) -> None:
    found = pyright_errors([*(PROGRAMS / name for name in RIGHT), PROGRAMS / "wrong.py"], tmp_path)
    reported = {(error.file, wrong.line) for error in found for wrong in WRONG if error.line in wrong.lines}
    assert reported == {("wrong.py", wrong.line) for wrong in WRONG}
    assert {error.file for error in found} == {"wrong.py"}


def test_an_argument_class_requires_what_the_check_requires_and_has_the_same_properties() -> None:
    names = [name.removesuffix("Args") for name in pulumi_anchorbrowser.__all__ if name.endswith("Args")]
    models = {name: getattr(configuration, name) for name in names if hasattr(configuration, name)}
    assert len(models) > 10
    for name, model in models.items():
        given = getattr(pulumi_anchorbrowser, f"{name}Args")
        # Pulumi's Input names these two as text.
        hints = typing.get_type_hints(given, localns=INPUT_NAMES, include_extras=True)
        required = {
            field for field, hint in hints.items() if getattr(typing.get_origin(hint), "__name__", "") == "Required"
        }
        assert set(hints) == set(model.model_fields), name
        assert required == {field for field, info in model.model_fields.items() if info.is_required()}, name


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"line {wrong.line}")
def test_what_is_wrong_is_one_clear_line_when_it_runs(wrong: Wrong, stack: Rehearsal, sim: Simulator) -> None:
    stack.program = lambda: exec(f"import pulumi_anchorbrowser as ab\n{wrong.statement}", {})  # noqa: S102
    with pytest.raises(RehearsalError) as failed:
        stack.up()
    (problem,) = failed.value.result.problems
    name, _, reason = wrong.said.partition(": ")
    if name.endswith("Error"):
        # Python's own, or the hook's, which lives in the program and is reported before any resource, without its name.
        assert problem.message.splitlines()[-1].removeprefix(f"{name}: ").startswith(reason)
    else:
        # A value that may hold a secret is not printed.
        named = rf"(property {re.escape(name)} value .* has a problem:|has a problem: {re.escape(name)}) "
        assert re.search(named + re.escape(reason), problem.message)
        assert "\n" not in problem.message
    assert sim.requests == []


@pytest.mark.parametrize("name", [name for name in RIGHT if name != "outputs.py"])
def test_right_programs_run(name: str, tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text((PROGRAMS / name).read_text(encoding="utf-8"), encoding="utf-8")
    with Simulator() as api:
        config = {"anchorbrowser:baseUrl": api.url, "anchorbrowser:pollInterval": "0.1"}
        env = {"PULUMI_HOME": str(tmp_path / "home")}
        with Rehearsal(tmp_path, config=config, secret_config=SECRETS, env=env) as stack:
            stack.up()
            assert len(api.live_sessions()) >= 3
            stack.destroy()
        assert api.live_sessions() == []

"""The state is read from an export that was begun early, once, and anew wherever it must be of this moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lifecycle.fake_cli import FakeCli
from stages.waiting import wait_until

from pulumi_anchorbrowser import exports
from pulumi_anchorbrowser.lifecycle.state import StateUnreadable, read_begun_state, read_state

STACK = "organization/shop/dev"
EXPORT = f"true stack export --non-interactive --stack {STACK}"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCli:
    """A CLI that exports an empty state."""
    return FakeCli(tmp_path, monkeypatch)


def test_an_export_that_was_begun_serves_one_reading_of_the_state(cli: FakeCli) -> None:
    exports.begin(STACK)
    wait_until(lambda: cli.calls == [EXPORT], "the export is begun")
    read_begun_state(STACK)
    assert cli.calls == [EXPORT]
    read_begun_state(STACK)
    assert cli.calls == [EXPORT] * 2


def test_a_state_of_this_moment_is_not_taken_from_an_export_that_was_begun(cli: FakeCli) -> None:
    exports.begin(STACK)
    wait_until(lambda: cli.calls == [EXPORT], "the export is begun")
    read_state(STACK)
    assert cli.calls == [EXPORT] * 2
    read_begun_state(STACK)
    assert cli.calls == [EXPORT] * 2


def test_a_begun_export_of_another_stack_is_not_taken(cli: FakeCli) -> None:
    cli.does("""case "$*" in *other*) exit 1;; *) echo '{"deployment": {}}';; esac""")
    exports.begin(STACK.replace("dev", "other"))
    read_begun_state(STACK)
    with pytest.raises(StateUnreadable):
        read_begun_state(STACK.replace("dev", "other"))


def test_a_begun_export_that_fails_is_a_state_that_cannot_be_read(cli: FakeCli) -> None:
    cli.does("echo 'error: no stack named dev' >&2; exit 255")
    exports.begin(STACK)
    with pytest.raises(StateUnreadable, match="no stack named dev"):
        read_begun_state(STACK)


def test_an_export_is_read_as_utf_8_whatever_the_locale_says(cli: FakeCli) -> None:
    urn = "urn:pulumi:dev::shop::anchorbrowser:Batch::Prüfung"
    resource = {"urn": urn, "inputs": {"claim": "claim", "owner": STACK, "count": 5}}
    state = {"deployment": {"pending_operations": [{"type": "creating", "resource": resource}]}}
    cli.does(f"echo '{json.dumps(state, ensure_ascii=False)}'")
    reading = f"print(ascii(read_state('{STACK}').pending[0].urn))"
    script = f"from pulumi_anchorbrowser.lifecycle.state import read_state; {reading}"
    env = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, encoding="ascii", check=True)
    assert done.stdout.strip() == ascii(urn)


def test_an_export_that_meets_the_engine_writing_the_state_is_made_again(cli: FakeCli, tmp_path: Path) -> None:
    state = """echo '{"deployment": {}}'"""
    once = f"mkdir {tmp_path}/met 2>&- && {{ echo 'error: failed to load checkpoint: EOF' >&2; exit 255; }}; {state}"
    cli.does(once)
    assert read_state(STACK).batch_ids == frozenset()
    assert cli.calls == [EXPORT] * 2


def test_without_a_cli_the_begun_export_fails_when_it_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    exports.begin(STACK)
    with pytest.raises(StateUnreadable, match="Could not run the Pulumi CLI"):
        read_begun_state(STACK)


def test_where_a_file_has_the_state_no_export_is_begun(
    cli: FakeCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state.json").write_text('{"deployment": {}}', encoding="utf-8")
    monkeypatch.setenv(exports.FILE_VARIABLE, str(tmp_path / "state.json"))
    exports.begin(STACK)
    read_begun_state(STACK)
    monkeypatch.delenv(exports.FILE_VARIABLE)
    read_begun_state(STACK)
    assert cli.calls == [EXPORT]

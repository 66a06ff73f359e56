"""The command line as a program: help, its extra, closed streams, a full disk, a user without a home."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from cli.batches import OWNER, Team
from cli.driving import COMMAND, FULL, MAIN, CommandLine, ended, needs_a_full_device, start

import pulumi_anchorbrowser

# A user that no machine has in its list.
AS_NOBODY = ["unshare", "--user", "--map-user=54321"]


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_the_commands(cli: CommandLine, flag: str) -> None:
    shown = cli.run(flag)
    assert shown.code == 0
    assert re.search("simulate +Serve a simulated AnchorBrowser API", shown.out)
    assert "..." not in shown.out.partition("Commands:")[2], "no line is cut"


def test_help_does_not_load_what_only_a_command_needs() -> None:
    look = "import atexit, sys; atexit.register(lambda: print('loaded:', {'fastapi', 'requests'} & set(sys.modules))); "
    assert "loaded: set()" in ended(start(["simulate", "--help"], os.environ, look + MAIN)).out


def test_version_is_the_packages_own(cli: CommandLine) -> None:
    assert cli.run("--version").out == f"pulumi-anchorbrowser, version {pulumi_anchorbrowser.__version__}\n"


@pytest.mark.parametrize(("args", "extra"), [([], "cli"), (["list"], "cli"), (["simulate", "--port", "0"], "all")])
def test_a_missing_extra_is_one_line_with_the_command_that_installs_all_that_is_needed(
    args: list[str], extra: str
) -> None:
    done = ended(start(args, os.environ, f"import sys; sys.modules['click'] = None; {MAIN}"))
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"Error: the command line needs the extra `{extra}`: pip install 'pulumi-anchorbrowser[{extra}]'\n"
    )


# Streams


def closing(streams: str, cli: CommandLine, *args: str) -> subprocess.Popen[str]:
    """Start the command as a shell does with `>&-` and the like."""
    command = ["sh", "-c", f'exec "$@" {streams}', "sh", *COMMAND, *args]
    return subprocess.Popen(command, env=cli.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_closed_stdout_is_one_line_and_nothing_is_stopped(cli: CommandLine, team: Team) -> None:
    batch = team.start()
    for args in (("list",), ("sweep", "--owner", OWNER, "--yes")):
        done = ended(closing(">&-", cli, *args))
        assert (done.code, done.err) == (1, "Error: could not write the output: stdout is closed.\n")
    assert (team.there, team.changes) == ({batch}, [])


def test_a_closed_stdin_and_stderr_keep_nothing_from_being_stopped(cli: CommandLine, team: Team) -> None:
    team.start()
    done = ended(closing("<&- 2>&-", cli, "sweep", "--owner", OWNER, "--yes"))
    assert done.code == 0
    assert team.there == set()
    # The receipts' file did not get the number of stderr, and what is printed there.
    assert cli.run("receipts", "--json").json["totals"]["deleted_sessions"] == 2


@needs_a_full_device
@pytest.mark.parametrize("args", [["list"], ["list", "--json"], ["--help"], ["receipts", "--markdown"]])
def test_a_full_disk_is_one_line(cli: CommandLine, team: Team, args: list[str]) -> None:
    team.start()
    done = cli.run(*args, stdout=str(FULL))
    assert done.code == 1
    assert done.err.splitlines()[-1] == "Error: could not write the output: No space left on device."


@needs_a_full_device
def test_a_full_stderr_keeps_nothing_from_being_stopped(cli: CommandLine, team: Team) -> None:
    batches = team.start_many(3)
    with FULL.open("w") as full:
        process = start(["sweep", "--owner", OWNER, "--yes"], cli.env, stderr=full)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, team.there) == (0, set())
    assert f"Result: deleted {len(batches)} batches" in out


def test_a_reader_that_has_gone_is_no_traceback(cli: CommandLine, team: Team) -> None:
    team.start()
    process = start(["list"], cli.env)
    assert process.stdout is not None
    process.stdout.close()
    done = ended_without_stdout(process)
    assert done == (1, "")


def ended_without_stdout(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a program whose stdout nobody reads. Return its exit code and what is on stderr."""
    assert process.stderr is not None
    err = process.stderr.read()
    return process.wait(timeout=60), err


# Users


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["receipts"], 1, "Error: Receipts are off: this user has no home folder. Set ANCHORBROWSER_RECEIPTS"),
        (["delete", "--yes"], 0, "Warning: Receipts are off: this user has no home folder."),
        (["--log", "~/debug.log", "list"], 0, "Warning: "),
    ],
)
def test_a_user_without_a_home_folder_gets_one_line(
    cli: CommandLine, team: Team, args: list[str], code: int, said: str
) -> None:
    if subprocess.run([*AS_NOBODY, "true"], capture_output=True, timeout=60).returncode:
        pytest.skip("this machine lets nobody be a user that is not in its list")
    batch = team.start()
    env = {name: value for name, value in cli.env.items() if name not in {"HOME", "ANCHORBROWSER_RECEIPTS"}}
    command = [*AS_NOBODY, *COMMAND, *args, *([batch] if "delete" in args else [])]
    process = subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done = ended(process)
    assert done.code == code, done
    assert said in done.err.splitlines()[0]
    assert team.there == (set() if "delete" in args else {batch})


def test_the_debug_log_is_a_file_that_the_user_names_or_off(cli: CommandLine, team: Team) -> None:
    team.start()
    before = {*cli.folder.iterdir(), *(cli.folder / name for name in ("stdin", "stdout", "stderr"))}
    cli.env["ANCHORBROWSER_LOG"] = "false"
    assert cli.run("list").code == 0
    assert set(cli.folder.iterdir()) <= before
    assert cli.run("--log", "debug.log", "list").code == 0
    assert '"operation": "list"' in (cli.folder / "debug.log").read_text(encoding="utf-8")


def test_a_letter_that_the_output_cannot_have_is_written_in_ascii(cli: CommandLine, team: Team) -> None:
    """A redirect on Windows has such an encoding. The command may have stopped browsers before it prints."""
    batch_id = team.start(tags=("\u7bb1-of-t\u00f6m",))
    narrow = {**cli.env, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    process = start(["show", batch_id], narrow, encoding="latin-1")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "\\u7bb1-of-t" in out

"""`doctor`: each check, with and without a problem, and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli.batches import KEY
from cli.driving import CommandLine, Ended

from pulumi_anchorbrowser.cli.doctor import OLDEST_PYTHON, OLDEST_SDK
from pulumi_anchorbrowser.simulator import Fault, Simulator

ROOT = Path(__file__).resolve().parents[2]


def with_cli(cli: CommandLine, version: str = "v3.272.0", *, language_host: bool = True) -> None:
    """Set a PATH with nothing but this Pulumi CLI."""
    programs = {"pulumi": f"#!/bin/sh\necho {version}\n"}
    programs |= {"pulumi-language-python": "#!/bin/sh\n"} if language_host else {}
    for name, content in programs.items():
        (cli.folder / name).write_text(content, encoding="utf-8")
        (cli.folder / name).chmod(0o755)
    cli.env["PATH"] = str(cli.folder)


def states(ended: Ended) -> dict[str, str]:
    return {check["check"]: check["state"] for check in ended.json["checks"]}


def advice(ended: Ended, check: str) -> str:
    return str(next(one["advice"] for one in ended.json["checks"] if one["check"] == check))


def test_without_a_problem_doctor_exits_with_0(cli: CommandLine) -> None:
    with_cli(cli)
    ended = cli.run("doctor", "--json")
    assert (ended.code, ended.json["ok"]) == (0, True)
    assert "problem" not in states(ended).values()
    assert cli.run("doctor").code == 0


@pytest.mark.parametrize(
    ("variables", "check", "said"),
    [
        ({"ANCHORBROWSER_API_KEY": ""}, "API key", "Set ANCHORBROWSER_API_KEY"),
        ({"ANCHORBROWSER_API_KEY": "two words"}, "API key", "ANCHORBROWSER_API_KEY cannot be used"),
        (
            {"ANCHORBROWSER_API_KEY": "sk-a-wrong-key"},
            "API",
            "the key from the environment: set a valid key in ANCHORBROWSER_API_KEY",
        ),
        ({"ANCHORBROWSER_BASE_URL": "http://127.0.0.1:9"}, "API", "Check the network"),
        ({"ANCHORBROWSER_RECEIPTS": "/dev/null/receipts"}, "receipts", "name another file in ANCHORBROWSER_RECEIPTS"),
        ({"ANCHORBROWSER_RECEIPTS": "receipts.sqlite3"}, "receipts", "Set it to an absolute path"),
        (
            {"REQUESTS_CA_BUNDLE": "/nonexistent", "ANCHORBROWSER_BASE_URL": "https://localhost:9"},
            "API",
            "/nonexistent",
        ),
        ({"PATH": os.devnull}, "Pulumi CLI", "Install the Pulumi CLI"),
    ],
)
def test_each_problem_is_reported_with_what_to_do(
    cli: CommandLine, variables: dict[str, str], check: str, said: str
) -> None:
    with_cli(cli)
    cli.env |= variables
    ended = cli.run("doctor", "--json")
    assert (ended.code, ended.json["ok"]) == (1, False)
    assert states(ended)[check] == "problem"
    assert said in advice(ended, check)
    printed = cli.run("doctor").out
    assert said in printed
    assert KEY not in printed
    assert "a-wrong-key" not in printed


def test_a_cli_without_its_language_host_is_a_problem(cli: CommandLine) -> None:
    with_cli(cli, language_host=False)
    ended = cli.run("doctor", "--json")
    assert (ended.code, states(ended)["language host"]) == (1, "problem")


def test_what_may_go_wrong_is_a_warning(cli: CommandLine) -> None:
    with_cli(cli, version="v3.100.0")
    cli.env |= {"ANCHORBROWSER_RECEIPTS": "off", "ANCHORBROWSER_BASEURL": "http://127.0.0.1:9"}
    ended = cli.run("doctor", "--json")
    assert ended.code == 0
    assert [check for check, state in states(ended).items() if state == "warning"] == [
        "Pulumi CLI",
        "variables",
        "receipts",
    ]
    assert advice(ended, "Pulumi CLI").startswith("This matters to Python programs alone: the Python SDK has another")
    assert "Did you mean ANCHORBROWSER_BASE_URL?" in advice(ended, "variables")


def test_an_api_that_fails_is_a_problem(cli: CommandLine, sim: Simulator) -> None:
    with_cli(cli)
    sim.faults.add(Fault("html", times=None, status=502))
    assert states(cli.run("doctor", "--json"))["API"] == "problem"


def test_doctor_asks_for_what_the_package_asks_for() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = ">={".".join(map(str, OLDEST_PYTHON))}"' in project
    assert f'"pulumi>={".".join(map(str, OLDEST_SDK))},' in project


def found(ended: Ended, check: str) -> str:
    return str(next(one["found"] for one in ended.json["checks"] if one["check"] == check))


def test_the_plans_limits_are_shown(cli: CommandLine, sim: Simulator) -> None:
    with_cli(cli)
    sim.settings.max_concurrent_browsers, sim.settings.credits = 25, 40
    assert found(cli.run("doctor", "--json"), "plan") == "simulated, at most 25 browsers at once, 40 credits left"
    sim.settings.max_concurrent_browsers = -1
    assert "no limit on browsers at once" in found(cli.run("doctor", "--json"), "plan")


def test_a_plan_that_the_api_does_not_show_is_a_warning(cli: CommandLine, sim: Simulator) -> None:
    with_cli(cli)
    sim.faults.add(Fault("status", path="/v1/billing", status=403, message="not allowed"))
    ended = cli.run("doctor", "--json")
    assert (ended.code, states(ended)["API"], states(ended)["plan"]) == (0, "ok", "warning")
    assert "HTTP 403" in advice(ended, "plan")


def test_a_user_without_a_place_for_receipts_is_told_why(cli: CommandLine) -> None:
    with_cli(cli)
    cli.env |= {"PULUMI_HOME": "not/absolute", "ANCHORBROWSER_RECEIPTS": ""}
    ended = cli.run("doctor", "--json")
    assert (ended.code, states(ended)["receipts"], ended.err) == (0, "warning", "")
    assert "not/absolute/anchorbrowser/receipts.sqlite3 is not an absolute path" in advice(ended, "receipts")

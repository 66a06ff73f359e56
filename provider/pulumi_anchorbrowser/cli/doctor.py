"""`pulumi-anchorbrowser doctor`: whether everything is there that a run needs, and what to do where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from pulumi_anchorbrowser.cli.connection import NO_KEY, open_client
from pulumi_anchorbrowser.cli.exits import ExitCode, end, plain
from pulumi_anchorbrowser.cli.printing import json_option, print_json, print_table
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.words import counted

if TYPE_CHECKING:
    from pulumi_anchorbrowser.api import Billing, Client
    from pulumi_anchorbrowser.binding.settings import Settings

OLDEST_PYTHON = (3, 10)
OLDEST_SDK = (3, 202)
_LANGUAGE_HOST = "pulumi-language-python"
_VERSION_SECONDS = 20
_INSTALL_CLI = "Install the Pulumi CLI: https://www.pulumi.com/docs/iac/download-install/"


@dataclass(frozen=True)
class Finding:
    """The result of one check. A warning keeps nothing from working; a problem does."""

    check: str
    state: Literal["ok", "warning", "problem"]
    found: str
    advice: str | None = None


@click.command(short_help="Check Python, Pulumi, the key, the API, the plan and the receipts.")
@json_option
def doctor(as_json: bool) -> None:
    """Check Python, Pulumi, the key, the API, the plan and the receipts, and say what to do. Never shows the key.

    Exits with 1 if there is a problem, else with 0.
    """
    findings = examine()
    is_well = all(finding.state != "problem" for finding in findings)
    if as_json:
        print_json("doctor", ok=is_well, checks=[asdict(finding) for finding in findings])
    else:
        print_table(("CHECK", "STATE", "FOUND"), [(one.check, one.state, one.found) for one in findings])
        for one in findings:
            if one.advice:
                click.echo(f"{one.check}: {plain(one.advice)}")
    end(ExitCode.OK if is_well else ExitCode.FAILED)


def examine() -> list[Finding]:
    """Return the results of all checks, in the order in which a run needs what they check. None raises."""
    checks: tuple[Callable[[], Finding], ...] = (_python, _sdk, _cli, _language_host, _variables)
    return [*(check() for check in checks), *_key_and_api(), _receipts()]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding("Python", "problem", found, "Use Python 3.10 or newer.")
    return Finding("Python", "ok", found)


def _sdk() -> Finding:
    try:
        found = metadata.version("pulumi")
    except metadata.PackageNotFoundError:
        return Finding("Pulumi SDK", "problem", "not installed", "Run `pip install pulumi`.")
    if _numbers(found) < OLDEST_SDK:
        return Finding("Pulumi SDK", "problem", found, "Run `pip install --upgrade pulumi`.")
    return Finding("Pulumi SDK", "ok", found)


def _cli() -> Finding:
    command = shutil.which("pulumi")
    if command is None:
        return Finding("Pulumi CLI", "problem", "not on the PATH", _INSTALL_CLI)
    try:
        done = subprocess.run(  # noqa: S603  # the CLI that a user would run
            [command, "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_VERSION_SECONDS,
        )
        version = done.stdout.strip().removeprefix("v")
    except (OSError, subprocess.TimeoutExpired):
        version = ""
    if not version:
        return Finding("Pulumi CLI", "problem", f"{command} does not run", _INSTALL_CLI)
    return _compared(plain(version))


def _compared(version: str) -> Finding:
    try:
        sdk = metadata.version("pulumi")
    except metadata.PackageNotFoundError:
        sdk = version
    if _numbers(version) == _numbers(sdk):
        return Finding("Pulumi CLI", "ok", version)
    advice = (
        f"This matters to Python programs alone: the Python SDK has another version ({sdk}), so a failed `up` can end "
        f"with a harmless traceback of the language host. Run `pip install pulumi=={version}` to have the same version."
    )
    return Finding("Pulumi CLI", "warning", version, advice)


def _language_host() -> Finding:
    command = shutil.which("pulumi")
    beside = [Path(command).parent, Path(command).resolve().parent] if command else []
    found = next((path for path in (folder / _LANGUAGE_HOST for folder in beside) if path.exists()), None)
    if found or shutil.which(_LANGUAGE_HOST):
        return Finding("language host", "ok", _LANGUAGE_HOST)
    advice = f"Python programs need {_LANGUAGE_HOST} beside the CLI: install the whole CLI, not `pulumi` alone."
    return Finding("language host", "problem", "not found", advice)


def _variables() -> Finding:
    from pulumi_anchorbrowser.binding.settings import misspelt_variables

    misspelt = misspelt_variables(os.environ)
    if not misspelt:
        return Finding("variables", "ok", "no misspelt name of a setting")
    advice = " ".join(f"{name} is not read. Did you mean {ours}?" for name, ours in misspelt.items())
    return Finding("variables", "warning", ", ".join(misspelt), advice)


def _key_and_api() -> Iterator[Finding]:
    from pulumi_anchorbrowser.binding.settings import Settings

    try:
        # Where there is no place for receipts, the check of the receipts says so.
        settings = Settings.read(lambda _: None)
    except ExpectedError as error:
        yield Finding("API key", "problem", "the settings cannot be used", str(error))
        yield Finding("API", "problem", "not called", "Correct the settings first.")
        return
    if settings.api_key is None:
        advice = f"{NO_KEY} A stack may have a key of its own in its config (anchorbrowser:apiKey): not checked."
        yield Finding("API key", "problem", "not set", advice)
        yield Finding("API", "problem", f"not called ({settings.base_url})", "Set a key first.")
        return
    yield Finding("API key", "ok", "set in ANCHORBROWSER_API_KEY")
    client = open_client(settings)
    try:
        yield from _api(client, settings)
    finally:
        client.close()


def _api(client: Client, settings: Settings) -> Iterator[Finding]:
    finding = _response(client, settings)
    yield finding
    if finding.state == "ok":
        yield _plan(client)


def _response(client: Client, settings: Settings) -> Finding:
    from pulumi_anchorbrowser.api import ApiError, InvalidApiKey

    try:
        with settings.naming_key_source():
            client.list_batches(limit=1)
    except InvalidApiKey as error:
        return Finding("API", "problem", f"{client.base_url} refuses the key", str(error))
    except ApiError as error:
        return Finding("API", "problem", f"{client.base_url} returned an unexpected response", str(error))
    return Finding("API", "ok", f"{client.base_url} accepts the key")


def _plan(client: Client) -> Finding:
    from pulumi_anchorbrowser.api import ApiError

    try:
        return Finding("plan", "ok", ", ".join(_limits(client.billing())))
    except ApiError as error:
        return Finding("plan", "warning", "unknown", str(error))


def _limits(billing: Billing) -> Iterator[str]:
    if billing.tier:
        yield plain(billing.tier)
    most = billing.max_concurrent_browsers
    if most is None:
        yield "the API does not say how many browsers may run at once"
    else:
        yield f"at most {counted(most, 'browser')} at once" if most >= 0 else "no limit on browsers at once"
    if billing.credits is not None:
        yield f"{counted(billing.credits, 'credit', shown=f'{billing.credits:,.10g}')} left"
    if billing.cost_limit is not None:
        yield f"a cost limit of {billing.cost_limit:,.10g}"


def _receipts() -> Finding:
    from pulumi_anchorbrowser.receipts import Receipts, ReceiptsUnavailable, default_place

    reasons: list[str] = []
    try:
        place = default_place(notify=reasons.append)
        if place is None:
            advice = "Without receipts, the counts of earlier runs and the creates that failed are unknown."
            return Finding("receipts", "warning", "off", " ".join([*reasons, advice]))
        return Finding("receipts", "ok", f"{len(Receipts(place).all())} in {place}")
    except ReceiptsUnavailable as error:
        return Finding("receipts", "problem", "cannot be used", str(error))


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:3]
    return tuple(int(part) for part in parts if part.isdigit())

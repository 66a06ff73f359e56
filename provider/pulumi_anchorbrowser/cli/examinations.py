"""What `doctor` looks at, one check at a time. Nothing here raises: a problem is a finding."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from pulumi_anchorbrowser.api import ApiError, InvalidApiKey
from pulumi_anchorbrowser.cli.connection import NO_KEY, open_client, open_receipts, read_settings
from pulumi_anchorbrowser.cli.exits import plain
from pulumi_anchorbrowser.lifecycle import LifecycleError
from pulumi_anchorbrowser.lifecycle.settings import misspelt_variables
from pulumi_anchorbrowser.receipts import ReceiptsUnavailable

OLDEST_PYTHON = (3, 10)
OLDEST_SDK = (3, 202)
_LANGUAGE_HOST = "pulumi-language-python"
_VERSION_SECONDS = 20
_INSTALL_CLI = "Install the Pulumi CLI: https://www.pulumi.com/docs/iac/download-install/"


@dataclass(frozen=True)
class Finding:
    """One check. A warning does not keep anything from working; a problem does."""

    check: str
    state: Literal["ok", "warning", "problem"]
    found: str
    advice: str | None = None


def examine() -> list[Finding]:
    """All checks, in the order in which a run needs what they look at."""
    checks: tuple[Callable[[], Finding], ...] = (
        *(_python, _sdk, _cli, _language_host),
        *(_variables, _key, _api, _receipts),
    )
    return [check() for check in checks]


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
            [command, "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_VERSION_SECONDS
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
    advice = f"Not the SDK's version ({sdk}): a failed `up` can end with a harmless traceback of the language host."
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
    meant = misspelt_variables(os.environ)
    if not meant:
        return Finding("variables", "ok", "none is nearly the name of a setting")
    advice = " ".join(f"{name} is not read; if it is ours, its name is {ours}." for name, ours in meant.items())
    return Finding("variables", "warning", ", ".join(meant), advice)


def _key() -> Finding:
    try:
        is_set = read_settings().api_key is not None
    except LifecycleError as error:
        return Finding("API key", "problem", "the settings cannot be used", str(error))
    if not is_set:
        advice = f"{NO_KEY} A stack may have its own in its config (anchorbrowser:apiKey), which is not looked at."
        return Finding("API key", "problem", "not set", advice)
    return Finding("API key", "ok", "set in ANCHORBROWSER_API_KEY")


def _api() -> Finding:
    try:
        settings = read_settings()
        if settings.api_key is None:
            return Finding("API", "problem", f"not asked ({settings.base_url})", "Set a key first.")
        client = open_client(settings)
    except LifecycleError:
        return Finding("API", "problem", "not asked", "Correct the settings first.")
    try:
        client.list_batches(limit=1)
    except InvalidApiKey as error:
        return Finding("API", "problem", f"{settings.base_url} refuses the key", plain(str(error)))
    except ApiError as error:
        return Finding("API", "problem", f"{settings.base_url} does not answer as it should", plain(str(error)))
    finally:
        client.close()
    return Finding("API", "ok", f"{settings.base_url} accepts the key")


def _receipts() -> Finding:
    store = open_receipts()
    if store.place is None:
        advice = "Without receipts an interrupted create is found by the state alone. Unset ANCHORBROWSER_RECEIPTS."
        return Finding("receipts", "warning", "turned off", advice)
    try:
        count = len(store.all())
    except ReceiptsUnavailable as error:
        return Finding("receipts", "problem", str(store.place), f"{error}.")
    return Finding("receipts", "ok", f"{count} in {store.place}")


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:3]
    return tuple(int(part) for part in parts if part.isdigit())

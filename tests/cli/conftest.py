"""A simulator with batches of several stacks, and the command line against it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cli.batches import KEY, Team
from cli.driving import CommandLine, ForkServer
from stages import standing_api
from stages.cli import is_foreign

from pulumi_anchorbrowser.simulator import Simulator

AGO = 26 * 3600.0


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """What starts batches. A client of its own for each request would read all certificates each time."""
    with httpx.Client(trust_env=False, verify=False) as client:  # noqa: S501  # loopback, without TLS
        yield client


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API on a clock that stands still until it is moved, a day and two hours ago: its batches are that old."""
    with standing_api({KEY: "our-team"}, AGO) as running:
        yield running


@pytest.fixture
def team(sim: Simulator, http: httpx.Client) -> Team:
    return Team(sim, http)


@pytest.fixture
def cli(fork_server: ForkServer, sim: Simulator, tmp_path: Path) -> Iterator[CommandLine]:
    """The command line, with receipts of its own and none of the machine's settings."""
    kept = {name: value for name, value in os.environ.items() if not is_foreign(name)}
    own = {
        "ANCHORBROWSER_API_KEY": KEY,
        "ANCHORBROWSER_BASE_URL": sim.url,
        "ANCHORBROWSER_MAX_RETRIES": "0",
        "ANCHORBROWSER_RECEIPTS": str(tmp_path / "receipts.sqlite3"),
    }
    (tmp_path / "cli").mkdir()
    commands = CommandLine(fork_server, tmp_path / "cli", kept | own)
    yield commands
    commands.close()

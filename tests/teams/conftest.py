"""A database, an API, and two machines that share both: one server of databases for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scenarios.one_stack import KEY
from stages import NO_ENGINE, engine_is_here, standing_api
from teams.machines import Machine
from teams.postgres import NO_SERVER, Database, PostgresServer, binaries

from pulumi_anchorbrowser.simulator import Simulator


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """One server for all tests; skips them, with the reason, if none can be started."""
    programs = binaries()
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    if programs is None:
        pytest.skip(NO_SERVER)
    started = PostgresServer(programs)
    yield started
    started.close()


@pytest.fixture
def postgres(server: PostgresServer) -> Database:
    """An empty database."""
    return server.database()


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The API on a clock that stands still until it is moved; no session ends by itself."""
    with standing_api({KEY: "our-team"}) as running:
        yield running


@pytest.fixture
def machines(postgres: Database, sim: Simulator, tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two of them; the stack is made by the first `wants` of either, and the other one joins."""
    made = Machine(tmp_path / "first", postgres, sim), Machine(tmp_path / "second", postgres, sim)
    yield made
    for machine in made:
        machine.stage.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the database needs the engine."""
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)

"""What every test may use: one interface over three stages, the choice of what runs, and a report of what did not."""

from __future__ import annotations

import signal
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The helper packages stand beside the tests, and the provider host imports providers of the tests by the same path.
sys.path.insert(0, str(Path(__file__).parent))

from stages import NO_ENGINE, EngineStage, NativeStage, RehearsalStage, Stage, engine_is_here

# A shell starts what is in the background with SIGINT ignored. The programs that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# No test is timed: the machine may be busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Tests that share what is made once: findings of a type checker, archives of a release, a database server, all texts.
TOGETHER = ("tests/typing/", "tests/packaging/", "tests/teams/", "tests/docs/test_messages.py")
LEFT_LONG, LEFT_ENGINE = "tests left to make test-long", "engine tests among them"
_left: dict[str, int] = {LEFT_LONG: 0, LEFT_ENGINE: 0}
_seconds: defaultdict[str, list[float]] = defaultdict(list)


@pytest.fixture
def rehearsal_stage(tmp_path: Path) -> Iterator[RehearsalStage]:
    """A throwaway project on the rehearsal: runs on any machine."""
    stage = RehearsalStage(tmp_path / "rehearsal-stage")
    yield stage
    stage.close()


@pytest.fixture
def native_stage(tmp_path: Path) -> Iterator[NativeStage]:
    """The same over the native plugin."""
    stage = NativeStage(tmp_path / "native-stage")
    yield stage
    stage.close()


@pytest.fixture
def engine_stage(tmp_path: Path) -> Iterator[EngineStage]:
    """A throwaway project on the real engine; skips the test if there is none."""
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    stage = EngineStage(tmp_path / "engine-stage")
    yield stage
    stage.close()


@pytest.fixture(params=["rehearsal", pytest.param("engine", marks=pytest.mark.engine)])
def stage(request: pytest.FixtureRequest) -> Stage:
    """The same program of a dynamic provider, rehearsed and on the engine."""
    made: Stage = request.getfixturevalue(f"{request.param}_stage")
    return made


@pytest.fixture(params=["rehearsal", "native", pytest.param("engine", marks=pytest.mark.engine)])
def every_stage(request: pytest.FixtureRequest) -> Stage:
    """The same scenario with the dynamic provider, rehearsed and on the engine, and with the plugin, rehearsed."""
    made: Stage = request.getfixturevalue(f"{request.param}_stage")
    return made


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --long."""
    parser.addoption("--long", action="store_true", help="also run what `make test` leaves to `make test-long`")


def pytest_configure(config: pytest.Config) -> None:
    """Leave out the long tests unless the option, the expression of -m, or a single test's own id asks for them."""
    named = [str(arg) for arg in config.invocation_params.args if "::" in str(arg)]
    if not (config.getoption("--long") or "long" in config.getoption("markexpr") or named):
        config.pluginmanager.register(WithoutLong())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the engine, and as long those among them that `engine_decides` does not keep."""
    for item in items:
        if "engine_stage" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)
        if item.get_closest_marker("engine") and not item.get_closest_marker("engine_decides"):
            item.add_marker(pytest.mark.long)


class WithoutLong:
    """Deselects the long tests of those that -m and -k have left, and counts them."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect them."""
        left = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left)
        _left[LEFT_LONG] = len(left)
        _left[LEFT_ENGINE] = sum(item.get_closest_marker("engine") is not None for item in left)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return a scheduler that gives each test to the next free process, and the tests of TOGETHER to one."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)

    return Scheduling(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on the counts of a worker, which are the same in each: only workers collect."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left"] = _left


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the counts of a worker."""
    _left.update(getattr(node, "workeroutput", {}).get("left", {}))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the seconds of each folder; set-up and tear-down count too."""
    _seconds["/".join(Path(report.nodeid.partition("::")[0]).parts[:2])].append(report.duration)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report what no engine has judged and what was left out: a green run claims no more than it showed."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_ENGINE in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"engine tests skipped: {len(skipped)} ({NO_ENGINE})", yellow=True)
    by_seconds = sorted(_seconds.items(), key=lambda folder: -sum(folder[1]))
    told = (f"{folder} {sum(times):.0f} s" for folder, times in by_seconds if sum(times) >= 1)
    terminalreporter.write_line(f"seconds by folder, all workers together: {', '.join(told) or 'less than 1 each'}")
    if _left[LEFT_LONG]:
        terminalreporter.write_line(
            f"{LEFT_LONG}: {_left[LEFT_LONG]} ({LEFT_ENGINE}: {_left[LEFT_ENGINE]})", yellow=True
        )

"""How hosts are started: forked from a warm process, as a new interpreter, or kept over runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pulumi
import pytest
from rehearsal.shelf import Thing

from pulumi_anchorbrowser.rehearsal import Rehearsal, RehearsalError

only_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="hosts are forked on Linux only")


def run_twice(stage: Rehearsal) -> list[tuple[int, int]]:
    """The host's process id and how often it had configured a provider, at a create and at an update."""
    seen = []
    for size in ("1", "2"):
        os.environ["SHELF_SIZE"] = size
        stage.up()
        outputs = stage.resource("lamp").outputs
        seen.append((outputs["pid"], outputs["configured"]))
    return seen


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELF_SIZE", "1")


def lamp(folder: Path) -> None:
    Thing("lamp", folder, size=int(os.environ["SHELF_SIZE"]))


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("warm", [True, False])
def test_each_run_has_a_fresh_host_that_remembers_nothing(tmp_path: Path, warm: bool) -> None:
    with Rehearsal(lambda: lamp(tmp_path), warm=warm) as stage:
        (first, one), (second, other) = run_twice(stage)
    assert first != second
    assert (one, other) == (1, 1)


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("warm", [True, False])
def test_a_reused_host_configures_its_providers_again_at_each_run(tmp_path: Path, warm: bool) -> None:
    with Rehearsal(lambda: lamp(tmp_path), warm=warm, reuse_host=True) as stage:
        (first, one), (second, other) = run_twice(stage)
    assert first == second
    assert (one, other) == (1, 2)


PROVIDER = """
import os
import sys
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Provider(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        main = sys.modules["__main__"]
        return CreateResult("id-1", {
            "main": [main.__name__, main.__spec__.name, hasattr(main, "DynamicResourceProviderServicer")],
            "argv": len(sys.argv),
            "path": sys.path[0],
            "loaded": sorted(name for name in sys.modules if name.startswith("pulumi_anchorbrowser.rehearsal")),
        })

class Shown(Resource):
    main: pulumi.Output[list]
    argv: pulumi.Output[int]
    path: pulumi.Output[str]
    loaded: pulumi.Output[list]

    def __init__(self):
        super().__init__(Provider(), "shown", {"main": None, "argv": None, "path": None, "loaded": None})
"""


@pytest.mark.parametrize("warm", [True, False])
def test_a_host_looks_as_under_the_engine_and_imports_what_the_caller_can_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: bool
) -> None:
    name = f"shown_{warm}".lower()
    (tmp_path / f"{name}.py").write_text(PROVIDER)
    monkeypatch.syspath_prepend(str(tmp_path))

    def program() -> None:
        shown = __import__(name).Shown()
        for output in ("main", "argv", "path", "loaded"):
            pulumi.export(output, getattr(shown, output))

    with Rehearsal(program, warm=warm) as stage:
        outputs = stage.up().outputs
    assert outputs == {
        "main": ["__main__", "pulumi.dynamic.__main__", True],
        "argv": 2,
        "path": str(Path.cwd()),
        "loaded": [],
    }


SCRIPT = """
import time
from pathlib import Path
from rehearsal.shelf import ShelfProvider
from pulumi_anchorbrowser.rehearsal import ProviderHost, process

host = ProviderHost(ShelfProvider()).start()
(warm,) = process._warm.values()
print(warm._popen.pid, host.pid, flush=True)
END
"""


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return status[0] == "Z"


@only_linux
@pytest.mark.parametrize("end", ["time.sleep(60)", "pass"])
def test_no_process_outlives_the_one_that_started_it(end: str) -> None:
    path = os.pathsep.join(sys.path)
    command = [sys.executable, "-c", SCRIPT.replace("END", end)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}) as run:
        assert run.stdout is not None
        pids = [int(word) for word in run.stdout.readline().split()]
        assert len(pids) == 2
        if end != "pass":
            run.send_signal(signal.SIGKILL)
        run.wait(20)
        until = time.monotonic() + 10
        while not all(map(is_gone, pids)):
            assert time.monotonic() < until, "a process is left"
            time.sleep(0.02)


@only_linux
def test_importing_the_package_starts_no_thread_so_that_hosts_can_be_forked() -> None:
    code = (
        "import os, pulumi_anchorbrowser as package; [getattr(package, name) for name in package.__all__]; "
        "import pulumi.dynamic, dill; print(len(os.listdir('/proc/self/task')))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env=env)
    assert done.stdout == "1\n"


@only_linux
def test_a_host_is_started_as_a_new_interpreter_once_the_warm_process_has_died() -> None:
    script = SCRIPT.replace(
        "END",
        """
host.close()
warm._popen.kill()
warm._popen.wait()
with ProviderHost(ShelfProvider()) as other:
    print(Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[1] == str(__import__("os").getpid()))
""",
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=env)
    assert done.stdout.splitlines()[1] == "True", "its parent is the script itself"


def test_a_host_that_ends_by_itself_in_a_call_fails_the_run(tmp_path: Path) -> None:
    def end(method: str, _urn: str) -> None:
        host = stage._host  # noqa: SLF001 - no public way to end a host politely in the middle of a run
        if method == "create" and host is not None and host.pid is not None:
            os.kill(host.pid, signal.SIGKILL)

    with Rehearsal(lambda: Thing("lamp", tmp_path), on_call=end) as stage:
        with pytest.raises(RehearsalError):
            stage.up()
        assert stage.state.pending_creates == []

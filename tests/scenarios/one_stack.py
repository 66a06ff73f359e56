"""One stack on a stage, against one simulator: the words in which the scenarios are written."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from stages import EngineStage, Stage, StageResult
from stages.native import PLUGIN_TYPE

from pulumi_anchorbrowser.simulator import LoggedRequest, Simulator, SimulatorSettings

KEY, OTHER_KEY = "sk-key-of-our-team", "sk-key-of-another-team"
OWNER = "pulumi-owner:organization/demo/dev"
BATCHES = "/v1/batch-sessions"
# The list of sessions by their status, by which a stop is confirmed.
STATUSES = "/v1/sessions/all/status"
MISSING_ID = "00000000-0000-4000-8000-000000000000"
CANCELLED = {"status": "cancelled"}

# A batch of 10 that takes its time: at half time 5 of its browsers run (they live for 300 s), and 5 are to come.
COUNT, RUNNING, SECONDS, HALF_TIME = 10, 5, 200.0, 120.0

# Makes the resources of one config value, and exports the public outputs of each under its name.
PROGRAM = '''
import inspect
import json
import pulumi
import pulumi_anchorbrowser

made = {}


def value(given):
    """The input itself; "@name" is the batch_id of the resource of that name."""
    return made[given[1:]].batch_id if isinstance(given, str) and given.startswith("@") else given


for name, args in json.loads(pulumi.Config().require("resources")).items():
    kind = getattr(pulumi_anchorbrowser, args.pop("kind", "Batch"))
    made[name] = kind(name, **{key: value(given) for key, given in args.items()})
    ours = [base for base in kind.__mro__ if base.__module__.startswith("pulumi_anchorbrowser.")]
    pulumi.export(name, {key: getattr(made[name], key) for base in ours for key in inspect.get_annotations(base)})
'''


@contextmanager
def down(sim: Simulator) -> Iterator[None]:
    """The API is down: its port refuses connections, and no other program can take it meanwhile."""
    address = urlsplit(sim.url)
    sim.stop()
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((address.hostname, address.port))
        yield
    sim.start()


class OneStack:
    """A stack whose program makes the given resources: `up({"browsers": {"count": 3}})`.

    `calls`, `requests` and `result` are those of the last command.
    """

    def __init__(self, stage: Stage, sim: Simulator, receipts: Path) -> None:
        self.stage, self.sim = stage, sim
        stage.env.update(
            ANCHORBROWSER_API_KEY=KEY,
            ANCHORBROWSER_BASE_URL=sim.url,
            ANCHORBROWSER_MAX_RETRIES="1",
            ANCHORBROWSER_POLL_INTERVAL="0.1",
            ANCHORBROWSER_RECEIPTS=str(receipts),
            ANCHORBROWSER_SETTLE_TIMEOUT="1",
        )
        stage.write_program(PROGRAM)

    def wants(self, resources: dict[str, dict[str, Any]]) -> None:
        """What the program makes from now on."""
        self.stage.config(resources=json.dumps(resources))

    def up(self, resources: dict[str, dict[str, Any]] | None = None, **options: Any) -> StageResult:
        if resources is not None:
            self.wants(resources)
        return self.run(self.stage.up, **options)

    def refresh(self, **options: Any) -> StageResult:
        return self.run(self.stage.refresh, **options)

    def destroy(self) -> StageResult:
        """Destroys the stack; afterwards the state is empty, and no browser runs or will start."""
        result = self.run(self.stage.destroy)
        assert self.names() == set()
        for seconds in (0, SECONDS):
            self.sim.advance(seconds)
            assert self.sim.live_sessions() == []
        return result

    def run(self, command: Callable[..., StageResult], **options: Any) -> StageResult:
        self.sim.clear_requests()
        return command(**options)

    def has_nothing_to_do(self) -> bool:
        """Whether a preview is empty; where there is no preview, whether an `up` changes and calls nothing."""
        if isinstance(self.stage, EngineStage):
            return self.run(self.stage.preview).changes == {} and self.requests == []
        return self.up().changes == {} and self.requests == []

    def start_half(self, **more: Any) -> str:
        """Starts `browsers`, a batch of 10 of which 5 run and 5 are still to come. Its id."""
        self.sim.settings.creation_seconds = SECONDS
        batch = str(self.up(browsers(count=COUNT, **more)).outputs["browsers"]["batch_id"])
        self.sim.advance(HALF_TIME)
        assert len(self.sim.batches[batch].running()) == RUNNING
        return batch

    @property
    def requests(self) -> list[LoggedRequest]:
        return self.sim.requests

    @property
    def calls(self) -> list[str]:
        """All but reads: "POST" (a new batch), "PATCH <batch>", "POST <batch>/retry", "DELETE session"."""
        return [_told(request) for request in self.requests if request.method != "GET"]

    @property
    def reads(self) -> list[str]:
        """The paths of all reads."""
        return [request.path for request in self.requests if request.method == "GET"]

    def names(self) -> set[str]:
        """The names of our resources in the state."""
        resources = self.stage.export()["deployment"].get("resources") or []
        served = ("pulumi-python:dynamic", PLUGIN_TYPE)
        return {r["urn"].split("::")[-1] for r in resources if r["type"].startswith(served) and r.get("custom")}


def browsers(**inputs: Any) -> dict[str, dict[str, Any]]:
    """The resources of a program with one batch, `browsers`."""
    return {"browsers": inputs}


def started_outside(sim: Simulator, count: int = 3, key: str = KEY, **settings: Any) -> str:
    """The id of a batch that somebody else started; its sessions have no tags."""
    for name, value in settings.items():
        setattr(sim.settings, name, value)
    answer = httpx.post(sim.url + BATCHES, headers={"anchor-api-key": key}, json={"count": count}, trust_env=False)
    sim.settings.creation_seconds = SimulatorSettings.creation_seconds
    return str(answer.raise_for_status().json()["data"]["batch_id"])


def errors(result: StageResult) -> list[str]:
    """Our own errors, without the engine's word that the update failed: of a plugin, all that its resources have."""
    found = [line for line in result.diagnostics if line.severity == "error"]
    return [line.message for line in found if "AnchorBrowserError" in line.message or PLUGIN_TYPE in line.urn]


def one_error(result: StageResult) -> str:
    """The one expected failure: one line, and no other error has a traceback either.

    Around the error of a create that has left something in the state, the engine writes a list.
    """
    [found] = errors(result)
    error = found.removeprefix("1 error occurred:\n\t* ")
    assert "\n" not in error.strip()
    assert not has_traceback(result)
    return error


def has_traceback(result: StageResult) -> bool:
    """Whether an error has one. A language host prints its own at the end of a failed run (info, on no resource)."""
    return any("Traceback" in message for message in result.messages("error"))


def _told(request: LoggedRequest) -> str:
    path = request.path.removeprefix(BATCHES)
    if path.startswith("/v1/sessions/"):
        return f"{request.method} session"
    return f"{request.method} {path.removeprefix('/')}".strip()

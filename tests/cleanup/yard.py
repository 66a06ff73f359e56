"""A simulator with batches of many kinds, and a stack on a stage that cleans up among them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

from stages import EngineStage, Stage, StageResult

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions
from pulumi_anchorbrowser.cleanup import Cleanup, Plan, Report, Request, Selection
from pulumi_anchorbrowser.cleanup.finding import StateReader
from pulumi_anchorbrowser.clock import SystemClock
from pulumi_anchorbrowser.lifecycle import Batches
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import Fault, Simulator
from pulumi_anchorbrowser.simulator.configuration import SentConfiguration, SentSessionConfig

KEY = "key-of-the-yard"
THIS, OTHER = "organization/demo/dev", "organization/demo/other"
BATCHES, STATUSES = "/v1/batch-sessions", "/v1/sessions/all/status"
HOUR = 3600.0


def owned(owner: str, *tags: str) -> tuple[str, ...]:
    """The tags of a batch of this stack."""
    return ("pulumi", f"pulumi-owner:{owner}", *tags)


@dataclass
class Heard:
    """What the user was told."""

    infos: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, text: str) -> None:
        self.statuses.append(text)


class QuickClock(SystemClock):
    """A clock whose sleeps take no time, and which can be interrupted like any other."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.source = now
        self._slept = 0.0

    def now(self) -> datetime:
        return self.source()

    def monotonic(self) -> float:
        return super().monotonic() + self._slept

    def sleep(self, seconds: float) -> None:
        self.check()
        self._slept += seconds


class Yard:
    """The simulator, what is started in it, and a cleanup before it."""

    def __init__(self, sim: Simulator, receipts: Path, **options: Any) -> None:
        self.sim = sim
        self.heard = Heard()
        self.clock = QuickClock(self.now)
        hasty = {"max_retries": 0, "max_concurrency": 4, **options}
        self.client = Client(sim.url, ApiKeys(KEY), ClientOptions(**hasty), clock=self.clock)
        self.receipts = Receipts(receipts)
        self.batches = Batches(self.client, self.receipts, clock=self.clock)
        self.cleanup = Cleanup(self.batches)

    def now(self) -> datetime:
        """The simulator's own time."""
        return datetime.fromtimestamp(self.sim._clock.now(), tz=timezone.utc)  # noqa: SLF001

    def start(self, *tags: str, count: int = 2) -> str:
        """Start a batch whose sessions carry these tags; return its id."""
        # Without a request, as another caller would: hundreds of them are made here.
        configuration = SentConfiguration(session=SentSessionConfig(tags=list(tags)))
        return self.sim._state.create("our-team", count, configuration).id  # noqa: SLF001

    def plan(self, read_state: StateReader | None = None, **request: Any) -> Plan:
        """Plan a cleanup, by default for the stack THIS, whose state `read_state` returns from now on."""
        if read_state is not None:
            self.cleanup = Cleanup(self.batches, read_state)
        select = Selection(**request.pop("select"))
        return self.cleanup.plan(Request(select, **{"own_stack": THIS, **request}), self.heard)

    def run(self, limit: int | None = 100, **request: Any) -> Report:
        """Plan a cleanup and carry it out."""
        plan = self.plan(**request)
        return self.cleanup.carry_out(plan, self.heard, limit=limit)

    def session(self, batch_id: str, index: int = 0) -> str:
        """Return the id of a session of the batch."""
        return self.sim.batches[batch_id].session_id(index)

    def retag(self, batch_id: str, *tags: str, index: int = 0) -> None:
        """Replace the tags of one session of the batch."""
        self.sim.put_tags(self.session(batch_id, index), tags)

    def fail_deletes_of(self, batch_id: str) -> None:
        """Refuse every DELETE of this batch from now on."""
        self.sim.faults.add(Fault("status", method="DELETE", path=f"{BATCHES}/{batch_id}", status=400, times=None))

    def gone(self) -> set[str]:
        """Return the batches of which nothing is left."""
        return {batch.id for batch in self.sim.batches.values() if batch.deleted}

    def there(self) -> set[str]:
        """Return the batches whose data is kept."""
        return {batch.id for batch in self.sim.batches.values() if not batch.deleted}

    def running(self) -> set[str]:
        """Return the ids of all sessions that run."""
        return {one.session_id for one in self.sim.live_sessions()}

    @property
    def changing(self) -> list[str]:
        """The requests so far that could change something."""
        return [f"{one.method} {one.path}" for one in self.sim.requests if one.method != "GET"]


def uuid(number: int) -> str:
    """Return an id that no batch here has."""
    return str(UUID(int=number))


def skipped(plan: Plan) -> dict[str, str]:
    """Return the kind of each skipped batch and session, by its id."""
    return {one.id: one.kind for one in plan.skipped}


class CleanedStack:
    """A stack against the yard. `calls` are those of the last command that could change something."""

    HEAD = "import pulumi\nfrom pulumi import ResourceOptions\nimport pulumi_anchorbrowser as ab\n"

    def __init__(self, stage: Stage, yard: Yard, receipts: Path) -> None:
        self.stage, self.yard = stage, yard
        stage.env.update(
            ANCHORBROWSER_API_KEY=KEY,
            ANCHORBROWSER_BASE_URL=yard.sim.url,
            ANCHORBROWSER_MAX_RETRIES="0",
            ANCHORBROWSER_RECEIPTS=str(receipts),
            ANCHORBROWSER_SETTLE_TIMEOUT="1",
        )

    def program(self, body: str) -> None:
        self.stage.write_program(self.HEAD + body)

    def up(self, body: str | None = None, **options: Any) -> StageResult:
        if body is not None:
            self.program(body)
        return self._run(self.stage.up, **options)

    def refresh(self) -> StageResult:
        return self._run(self.stage.refresh)

    def destroy(self, **options: Any) -> StageResult:
        return self._run(self.stage.destroy, **options)

    def has_nothing_to_do(self) -> bool:
        """Whether a preview is empty; where there is no preview, whether an `up` changes and calls nothing."""
        if isinstance(self.stage, EngineStage):
            return self._run(self.stage.preview).changes == {} and self.yard.sim.requests == []
        return self.up().changes == {} and self.yard.sim.requests == []

    @property
    def calls(self) -> list[str]:
        return [call.replace(f" {BATCHES}", "").replace("/", " ") for call in self.yard.changing]

    def outputs(self, name: str = "sweep") -> dict[str, Any]:
        return self.stage.resource_outputs(name)

    def _run(self, command: Callable[..., StageResult], **options: Any) -> StageResult:
        self.yard.sim.clear_requests()
        return command(**options)


def cleanup_program(name: str = "sweep", opts: str = "", **args: Any) -> str:
    """A program with one cleanup."""
    given = "".join(f", {key}={json.loads(json.dumps(value))!r}" for key, value in args.items())
    return f"sweep = ab.BatchCleanup({name!r}{given}{opts and ', opts=' + opts})\n"

"""Batches on a stage: a simulator, a clock that is moved, and what the user is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from datetime import datetime, timezone
from threading import Condition
from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st

from pulumi_anchorbrowser.api import Account, ApiKeys, Client, ClientOptions
from pulumi_anchorbrowser.lifecycle import DEFAULTS, Batches, BatchInputs, BatchRecord
from pulumi_anchorbrowser.receipts import Receipts
from pulumi_anchorbrowser.simulator import LiveSession, Simulator

KEY, OTHER_KEY = "key-of-team-a", "key-of-team-b"
OWNER, CLAIM, URN = "acme/shop/dev", "claim-1", "urn:pulumi:dev::shop::anchorbrowser:Batch::crawl"
BATCHES = "/v1/batch-sessions"
STATUSES_PATH = "/v1/sessions/all/status"
Phase = Literal["pending", "processing", "completed", "failed", "cancelled"]
PHASES: tuple[Phase, ...] = ("pending", "processing", "completed", "failed")

STATUSES = ("active", "cancelled", "deleted")
ON_DESTROY = ("delete", "cancel", "end_sessions")
IF_COMPLETED = ("end_sessions", "delete", "accept", "fail")
ON_MISSING = ("keep", "recreate")
LIVE = ("pending", "processing", "completed", "failed", "cancelled", "deleted", "hibernating")
ID = "964bb823-e620-4758-ac4d-f9760511f4d8"
OTHER_ID = "0f0e0d0c-0b0a-4908-8706-050403020100"


class MovedClock:
    """Time that passes only in a sleep. `on_sleep` lets other clocks move along."""

    def __init__(self, on_sleep: Callable[[float], object] | None = None) -> None:
        self.at = 1000.0
        self.slept: list[float] = []
        self.on_sleep = on_sleep

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def check(self) -> None:
        """Never interrupted."""

    def wait(self, condition: Condition, seconds: float | None) -> None:
        condition.wait(seconds)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.at += seconds
        self.slept.append(seconds)
        if self.on_sleep is not None:
            self.on_sleep(seconds)


class Told:
    """What the user was told."""

    def __init__(self) -> None:
        self.infos: list[str] = []
        self.warnings: list[str] = []
        self.passing: list[str] = []

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, text: str) -> None:
        self.passing.append(text)


class Stage:
    """One simulator and keepers before it. `record` is what the last call answered."""

    def __init__(self, sim: Simulator, opened: ExitStack) -> None:
        self.sim = sim
        self.told = Told()
        self.clock = MovedClock()
        self._opened = opened
        self.batches = self.later_run()

    def client(self, key: str = KEY, url: str | None = None, **options: Any) -> Client:
        client = Client(url or self.sim.url, ApiKeys(key), ClientOptions(**{"max_retries": 0, **options}))
        self._opened.callback(client.close)
        return client

    def later_run(
        self, key: str = KEY, url: str | None = None, confirmed: Collection[str] = (), **options: Any
    ) -> Batches:
        """A keeper as a later run would have it, with no receipts."""
        client = self.client(key, url, **options)
        return Batches(client, Receipts(None), clock=self.clock, confirmed_accounts=confirmed)

    def start(self, phase: Phase = "pending", **given: Any) -> BatchRecord:
        """A batch of five that a keeper has started, brought to a phase; `failed` still has three that run."""
        if phase == "failed":
            self.sim.settings.failing_sessions = 2
            self.sim.settings.partly_failed_status = "failed"
        record = self.batches.create(inputs(**given), self.told)
        self.bring(record.known_id, phase)
        return self.forget(record)

    def foreign(self, phase: Phase = "pending") -> str:
        """A batch of five that somebody else has started."""
        if phase == "failed":
            self.sim.settings.failing_sessions = 2
            self.sim.settings.partly_failed_status = "failed"
        batch_id = self.client().create_batch(5).value().batch_id
        self.bring(batch_id, phase)
        self.sim.clear_requests()
        return batch_id

    def bring(self, batch_id: str, phase: Phase) -> None:
        if phase == "processing":
            self.sim.advance(56)
        elif phase in ("completed", "failed"):
            self.sim.complete(batch_id)
        elif phase == "cancelled":
            self.sim.cancel(batch_id)
        assert self.sim.batches[batch_id].status == phase

    def forget(self, record: BatchRecord) -> BatchRecord:
        """Ears and log emptied: what follows is all that is looked at."""
        self.sim.clear_requests()
        self.told.__init__()  # type: ignore[misc]
        return record

    def update(self, record: BatchRecord, **given: Any) -> BatchRecord:
        return self.batches.update(record, same_inputs(record, **given), self.told)

    @property
    def asked(self) -> list[str]:
        """The requests since the log was emptied, but for looks at statuses: the verb, and what of."""
        requests = [one for one in self.sim.requests if one.path != STATUSES_PATH]
        return [f"{one.method} {'session' if '/sessions' in one.path else 'batch'}" for one in requests]

    @property
    def looks(self) -> int:
        """How often the statuses of sessions were listed since the log was emptied: to confirm a stop."""
        return len(self.sim.requests_of("GET", STATUSES_PATH))

    @property
    def live(self) -> list[LiveSession]:
        """Sessions that run, or are still going to."""
        return self.sim.live_sessions()

    def nothing_runs_ever(self) -> bool:
        now = self.live
        self.sim.advance(150)
        return now == [] and self.live == []


def inputs(**given: Any) -> BatchInputs:
    """Inputs of a batch of five, as `check` passes them on."""
    source = {} if "batch_id" in given else {"count": 5}
    return BatchInputs(**{**source, "owner": OWNER, "claim": CLAIM, "resource_urn": URN, **given})


def same_inputs(record: BatchRecord, **given: Any) -> BatchInputs:
    """The inputs that the record was made from, with some of them changed."""
    names = set(BatchInputs.model_fields) - ({"batch_id"} if not record.adopted else set())
    return BatchInputs(**{**record.model_dump(include=names), **given})


def record(**given: Any) -> BatchRecord:
    """The record of a batch of five, started here and pending."""
    account = str(Account.of("https://api.example.com", "key", "salt"))
    known = {"live_status": "pending", "batch_id": ID, "account": account, "adopted": False}
    return BatchRecord.model_validate({**inputs(count=5).model_dump(), **known, **given})


def news_of(olds: BatchRecord, **given: Any) -> dict[str, Any]:
    """The inputs of an unchanged program, as `check` passes them on; None takes one away."""
    names = ["count", "configuration", "metadata", *DEFAULTS, "owner", "claim"]
    if olds.adopted:
        names.append("batch_id")
    news = {**olds.model_dump(include=set(names)), **given}
    return {name: value for name, value in news.items() if value is not None}


# Wide values and simple rules: a few dozen examples find what there is to find.
few = settings(max_examples=40, deadline=None)

NUMBERS = st.none() | st.integers(0, 1000)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
DICTIONARIES = st.none() | st.dictionaries(st.text(max_size=5), JSON, max_size=3)


@st.composite
def all_inputs(draw: st.DrawFn) -> BatchInputs:
    adopts = draw(st.booleans())
    started: Mapping[str, Any] = {
        "count": draw(st.integers(1, 1000)),
        "configuration": draw(DICTIONARIES),
        "metadata": draw(DICTIONARIES),
    }
    return BatchInputs(
        **({"batch_id": draw(st.sampled_from([ID, OTHER_ID]))} if adopts else started),
        status=draw(st.sampled_from(STATUSES)),
        on_destroy=draw(st.sampled_from(ON_DESTROY)),
        if_completed=draw(st.sampled_from(IF_COMPLETED)),
        on_missing=draw(st.sampled_from(ON_MISSING)),
        resource_urn=draw(st.none() | st.text(max_size=9)),
        owner=draw(st.text(max_size=9)),
        claim=draw(st.text(max_size=9)),
    )


@st.composite
def all_records(draw: st.DrawFn) -> BatchRecord:
    given = draw(all_inputs())
    return BatchRecord.of(
        given,
        batch_id=given.batch_id or draw(st.sampled_from([ID, OTHER_ID, None])),
        live_status=draw(st.sampled_from(LIVE)),
        total_requests=draw(NUMBERS),
        completed_requests=draw(NUMBERS),
        failed_requests=draw(NUMBERS),
        created_at=draw(st.none() | st.just("2026-01-01T00:00:00Z")),
        cancelled_sessions=draw(NUMBERS),
        ended_sessions=draw(NUMBERS),
        deleted_sessions=draw(NUMBERS),
        failed_deletions=draw(NUMBERS),
        deletion_errors=draw(st.none() | st.just([{"session_id": ID, "error": None}])),
        message=draw(st.none() | st.text(max_size=9)),
        account=str(Account.of("https://api.example.com", "key", "salt")),
    )

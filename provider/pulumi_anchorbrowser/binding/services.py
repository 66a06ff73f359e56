"""What all resources of one run share: the client, the receipts, the batches, the trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import RLock
from typing import Any, NamedTuple

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiKeys, Client
from pulumi_anchorbrowser.binding.settings import Settings
from pulumi_anchorbrowser.clock import Clock, SystemClock
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle import Batches, Notices, Problem, new_claim
from pulumi_anchorbrowser.lifecycle.own_state import OwnState
from pulumi_anchorbrowser.lifecycle.state import StackState, read_state
from pulumi_anchorbrowser.lifecycle.trail import Trail
from pulumi_anchorbrowser.lifecycle.waiting import Waiting
from pulumi_anchorbrowser.receipts import Receipts, new_run
from pulumi_anchorbrowser.urns import stack_of_urn

# Of a batch: these see the config of the last `up`, see `Batches`.
_WITH_SECOND_KEY = frozenset({"read", "delete"})


class NoApiKey(ExpectedError):
    """There is no API key."""

    anchor = "no-api-key"
    advice = (
        "Set one with `pulumi config set --secret anchorbrowser:apiKey`, or in the environment as "
        "ANCHORBROWSER_API_KEY, then run again."
    )

    def __init__(self) -> None:
        super().__init__("There is no AnchorBrowser API key")


class Checked(NamedTuple):
    """The inputs as they are saved, what is wrong with them, and what the user should know about them."""

    inputs: dict[str, Any]
    problems: list[Problem]
    warnings: Sequence[str] = ()


class Services:
    """The services of one run of the engine, for many threads. What needs a key is made on first use.

    `notices` gets what is about no resource, such as a rate limit. `run_mark`, five hexadecimal digits, is the same in
    all processes of one run. `provider` is the name of the provider in the program, where it can have several.
    """

    def __init__(
        self, settings: Settings, notices: Notices, run_mark: str, clock: Clock | None = None, provider: str = ""
    ) -> None:
        logs.start(logs.place_of(), notices.warning)
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.receipts = Receipts(settings.receipts, new_run())
        self.trail = Trail(OwnState(self.clock, run_mark), self.receipts, self.clock, run_mark, provider)
        self._notices = notices
        self._run_mark = run_mark
        self._counts: dict[str, int | None] = {}
        self._started: dict[str, float] = {}
        self._lock = RLock()

    @property
    def client(self) -> Client:
        """The client. Raises NoApiKey."""
        with self._lock:
            return self._client

    @property
    def batches(self) -> Batches:
        """The batches of this run. Raises NoApiKey."""
        with self._lock:
            return self._batches

    def new_claim(self) -> str:
        """Return the claim for a new batch."""
        return new_claim(self.clock.now(), self._run_mark)

    def begin_trail(self, urn: str, owner: str, *, at_delete: bool = False) -> None:
        """Begin to read the state of the stack that a resource is in; `owner` names the organization."""
        self.trail.state.begin(stack_of_urn(urn, owner), at_delete=at_delete)

    @contextmanager
    def operation(self, name: str, urn: str, **fields: str | None) -> Iterator[None]:
        """Log what happens in the block as one operation on a resource; errors of a refused key name its source."""
        of_last_up = name in _WITH_SECOND_KEY
        with (
            self.settings.naming_key_source(of_last_up=of_last_up),
            logs.operation(name, run=self.receipts.run, urn=urn, **fields),
        ):
            yield

    def note_batch(self, batch_id: str | None, count: int | None, *, is_new: bool = False) -> None:
        """Note how many browsers a batch has, and whether this run has started it just now."""
        if batch_id is not None:
            self._counts[batch_id] = count
            if is_new:
                self._started[batch_id] = self.clock.monotonic()

    def count_of(self, batch_id: object) -> int | None:
        """Return how many browsers the batch has; None where this run does not know."""
        return self._counts.get(batch_id) if isinstance(batch_id, str) else None

    def state_reader(self, urn: str, owner: str) -> Callable[[], StackState | None]:
        """Return what reads the state anew, at each call, of the stack that a resource is in."""
        stack = stack_of_urn(urn, owner)
        return lambda: None if stack is None else read_state(stack)

    def waiting(self, notices: Notices) -> Waiting:
        """Return a wait that reports to these notices. Raises NoApiKey."""
        return Waiting(self.batches.runner, notices, pause=self.settings.poll_interval, is_young=self._is_young)

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            if "_client" in vars(self):
                self._client.close()
        self.receipts.close()

    def _is_young(self, batch_id: str) -> bool:
        started_at = self._started.get(batch_id)
        return started_at is not None and self.clock.monotonic() - started_at < self.settings.settle_timeout

    @cached_property
    def _client(self) -> Client:
        settings = self.settings
        if settings.api_key is None:
            raise NoApiKey
        keys = ApiKeys(settings.api_key, settings.environment_key)
        return Client(settings.base_url, keys, settings.client_options, notify=self._notices.warning, clock=self.clock)

    @cached_property
    def _batches(self) -> Batches:
        return Batches(
            self.client,
            self.receipts,
            clock=self.clock,
            confirmed_accounts=self.settings.confirmed_accounts,
            settle_timeout=self.settings.settle_timeout,
            trail=self.trail,
        )

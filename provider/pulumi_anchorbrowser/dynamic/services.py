"""What all resources of one provider host share: one client, one keeper of batches."""

from __future__ import annotations

import atexit
import threading
from contextlib import suppress
from threading import Lock

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import ApiKeys, Client
from pulumi_anchorbrowser.dynamic.declared import Declared
from pulumi_anchorbrowser.dynamic.engine import EngineNotices
from pulumi_anchorbrowser.dynamic.settings import Settings
from pulumi_anchorbrowser.dynamic.speech import AnchorBrowserError
from pulumi_anchorbrowser.lifecycle import BatchKeeper, Clock, Notices, SystemClock, Waiting
from pulumi_anchorbrowser.lifecycle.advice import leading_to
from pulumi_anchorbrowser.receipts import Receipts, ReceiptsUnavailable


class Services:
    """Made on first use, so that a preview needs no key."""

    def __init__(self, settings: Settings) -> None:
        logs.start(logs.place_of(), EngineNotices().warning)
        self.settings = settings
        self.clock: Clock = SystemClock()
        self.receipts = Receipts(settings.receipts)
        self.declared = Declared()
        self._delivered: set[str] = set()
        atexit.register(self.receipts.end_run, self._delivered)
        self._lock = Lock()
        self._client: Client | None = None
        self._keeper: BatchKeeper | None = None

    @property
    def client(self) -> Client:
        """The client. Raises AnchorBrowserError where there is no key."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    @property
    def keeper(self) -> BatchKeeper:
        """The keeper of this run's batches. Raises AnchorBrowserError where there is no key."""
        client = self.client
        with self._lock:
            if self._keeper is None:
                self._keeper = BatchKeeper(
                    client,
                    self.receipts,
                    clock=self.clock,
                    confirmed_accounts=self.settings.confirmed_accounts,
                    settle_timeout=self.settings.settle_timeout,
                )
            return self._keeper

    def waiting(self, notices: Notices) -> Waiting:
        """A wait, told on these notices."""
        return self.keeper.waiting(notices, self.settings.poll_interval)

    def note_delivered(self, batch_id: str | None) -> None:
        """A create is about to be answered. The engine receives that unless it has already told this host to end."""
        self.declared.note_batch(batch_id)
        if batch_id is not None and threading.main_thread().is_alive():
            self._delivered.add(batch_id)

    def note_in_state(self, batch_id: str) -> None:
        """The engine has named the batch, so its state knows it, and no later run is to take it for a leftover."""
        self.declared.note_batch(batch_id)
        # A store that fails is told of by the call that cannot do without it.
        with suppress(ReceiptsUnavailable):
            self.receipts.mark_in_state(batch_id)

    def leftovers(self, owner: str, urn: str, batch_id: str) -> list[str]:
        """Batches that interrupted runs have started for this resource, while the state has this other one for it."""
        with suppress(ReceiptsUnavailable):
            found = (receipt.subject.batch_id for receipt in self.receipts.superseded_creates(owner, urn, batch_id))
            return [one for one in found if one is not None]
        return []

    def _connect(self) -> Client:
        settings = self.settings
        if settings.api_key is None:
            raise AnchorBrowserError(
                leading_to(
                    "There is no AnchorBrowser API key. Set one with `pulumi config set --secret anchorbrowser:apiKey`"
                    ", or in the environment as ANCHORBROWSER_API_KEY, then run again.",
                    "no-api-key",
                )
            )
        keys = ApiKeys(settings.api_key, settings.environment_key, _warn_of_fallback)
        return Client(settings.base_url, keys, settings.client_options, EngineNotices().info)


def _warn_of_fallback() -> None:
    EngineNotices().warning(
        "The API refused the key of the stack's config (HTTP 401), so the one in ANCHORBROWSER_API_KEY is used. "
        "A destroy and a refresh see the config of the last `pulumi up`, which may hold a key rotated since."
    )


_services: dict[Settings, Services] = {}
_services_lock = Lock()


def services_for(settings: Settings) -> Services:
    """The services of this process for these settings: the same ones for every kind of resource."""
    with _services_lock:
        if settings not in _services:
            _services[settings] = Services(settings)
        return _services[settings]

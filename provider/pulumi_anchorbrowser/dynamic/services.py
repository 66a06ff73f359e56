"""What all resources of one provider host share: one client, one keeper of batches."""

from __future__ import annotations

from threading import Lock

from pulumi_anchorbrowser.api import ApiKeys, Client, ClientOptions
from pulumi_anchorbrowser.dynamic.engine import EngineNotices
from pulumi_anchorbrowser.dynamic.settings import Settings
from pulumi_anchorbrowser.dynamic.speech import AnchorBrowserError
from pulumi_anchorbrowser.lifecycle import BatchKeeper, Clock, SystemClock


class Services:
    """Made on first use, so that a preview needs no key."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock: Clock = SystemClock()
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
                self._keeper = BatchKeeper(client, self.clock, self.settings.confirmed_accounts)
            return self._keeper

    def _connect(self) -> Client:
        settings = self.settings
        if settings.api_key is None:
            raise AnchorBrowserError(
                "There is no AnchorBrowser API key. Set one with `pulumi config set --secret anchorbrowser:apiKey`, "
                "or in the environment as ANCHORBROWSER_API_KEY, then run again."
            )
        keys = ApiKeys(settings.api_key, settings.environment_key, _warn_of_fallback)
        options = ClientOptions(
            request_timeout=settings.request_timeout,
            max_retries=settings.max_retries,
            pool_size=settings.max_concurrency,
        )
        return Client(settings.base_url, keys, options)


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
        return _services.setdefault(settings, Services(settings))

"""What the commands reach: the API and the receipts, by the settings of the environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.cli.exits import Failed
from pulumi_anchorbrowser.cli.printing import Speech

if TYPE_CHECKING:
    from pulumi_anchorbrowser.api import Client
    from pulumi_anchorbrowser.lifecycle.cleanup import Cleanup
    from pulumi_anchorbrowser.lifecycle.settings import Settings
    from pulumi_anchorbrowser.receipts import Receipt, Receipts

NO_KEY = "There is no AnchorBrowser API key. Set ANCHORBROWSER_API_KEY, then run again."


@dataclass(frozen=True)
class Connection:
    """The API and the receipts of one command."""

    settings: Settings
    client: Client
    receipts: Receipts

    @cached_property
    def cleanup(self) -> Cleanup:
        """What plans, and what stops batches: the same steps, receipts and counts as those of the resources."""
        from pulumi_anchorbrowser.lifecycle.cleanup import Cleanup

        return Cleanup(self.client, self.receipts)

    def recorded(self) -> list[Receipt]:
        """All receipts of this machine; none, with a warning, where they cannot be read."""
        from pulumi_anchorbrowser.receipts import ReceiptsUnavailable

        try:
            return self.receipts.all()
        except ReceiptsUnavailable as error:
            Speech().warning(f"{error}. It goes on without them.")
            return []


def read_settings() -> Settings:
    """The settings in the environment. Raises LifecycleError for one that cannot be used."""
    from pulumi_anchorbrowser.lifecycle.settings import Settings

    return Settings.read(lambda _: None)


def open_client(settings: Settings) -> Client:
    """A client. Raises Failed where there is no key."""
    from pulumi_anchorbrowser.api import ApiKeys, Client
    from pulumi_anchorbrowser.lifecycle.advice import leading_to

    if settings.api_key is None:
        raise Failed(leading_to(NO_KEY, "no-api-key"))
    return Client(settings.base_url, ApiKeys(settings.api_key), settings.client_options, Speech().info)


def open_receipts() -> Receipts:
    """The receipts of this machine."""
    from pulumi_anchorbrowser.receipts import Receipts, default_place

    return Receipts(default_place())


@contextmanager
def connected() -> Iterator[Connection]:
    """The API and the receipts, for as long as the command runs."""
    settings = read_settings()
    client = open_client(settings)
    receipts = open_receipts()
    try:
        with logs.about(run=receipts.run):
            yield Connection(settings, client, receipts)
    finally:
        client.close()

"""What the commands use: the API and the receipts, by the settings in the environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.cli.exits import Failed
from pulumi_anchorbrowser.cli.printing import Messages
from pulumi_anchorbrowser.clock import SystemClock
from pulumi_anchorbrowser.errors import in_one_line

if TYPE_CHECKING:
    from pulumi_anchorbrowser.api import Client
    from pulumi_anchorbrowser.binding.settings import Settings
    from pulumi_anchorbrowser.cleanup import Cleanup
    from pulumi_anchorbrowser.lifecycle import Batches
    from pulumi_anchorbrowser.receipts import Receipt, Receipts

NO_KEY = "There is no AnchorBrowser API key. Set ANCHORBROWSER_API_KEY, then run again."


@dataclass(frozen=True)
class Connection:
    """The API and the receipts of one command. Interrupting the clock ends every wait."""

    settings: Settings
    client: Client
    receipts: Receipts
    clock: SystemClock

    @cached_property
    def batches(self) -> Batches:
        """What brings batches to goals, as the resources do."""
        from pulumi_anchorbrowser.lifecycle import Batches

        return Batches(
            self.client, self.receipts, clock=self.clock, confirmed_accounts=self.settings.confirmed_accounts
        )

    @cached_property
    def cleanup(self) -> Cleanup:
        """What plans cleanups and carries them out."""
        from pulumi_anchorbrowser.cleanup import Cleanup

        return Cleanup(self.batches)

    def recorded(self) -> list[Receipt]:
        """Return all receipts of this machine; none, with a warning, where they cannot be read."""
        from pulumi_anchorbrowser.receipts import ReceiptsUnavailable

        try:
            return self.receipts.all()
        except ReceiptsUnavailable as error:
            Messages().warning(f"{error.explanation}. Continuing without receipts. {error.advice}")
            return []


def open_client(settings: Settings, clock: SystemClock | None = None) -> Client:
    """Return a client. Raises Failed where there is no key."""
    from pulumi_anchorbrowser.api import ApiKeys, Client

    if settings.api_key is None:
        raise Failed(in_one_line(NO_KEY, "no-api-key"))
    keys = ApiKeys(settings.api_key)
    return Client(settings.base_url, keys, settings.client_options, notify=Messages().info, clock=clock)


@contextmanager
def connected() -> Iterator[Connection]:
    """Open the API and the receipts for as long as the command runs.

    Raises UnusableSetting, ReceiptsUnavailable for their path, and Failed where there is no key.
    """
    from pulumi_anchorbrowser.binding.settings import Settings
    from pulumi_anchorbrowser.receipts import Receipts

    settings, clock = Settings.read(lambda _: None, notify=Messages().warning), SystemClock()
    client = open_client(settings, clock)
    receipts = Receipts(settings.receipts)
    try:
        with logs.about(run=receipts.run), settings.naming_key_source():
            yield Connection(settings, client, receipts, clock)
    finally:
        client.close()
        receipts.close()

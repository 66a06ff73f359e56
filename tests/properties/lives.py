"""A small engine with a state of its own, over the real provider host: what `pulumi` does to a resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser.dynamic.batch_provider import BatchProvider
from pulumi_anchorbrowser.rehearsal import HostError, ProviderHost
from pulumi_anchorbrowser.simulator import Simulator

KEY = "key-of-the-lives"
OWNER = "organization/project/lives"


@dataclass
class Known:
    """A resource as the state has it."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass
class Engine:
    """Runs operations on the host. A crash leaves the state as it was before the operation."""

    host: ProviderHost
    state: dict[str, Known] = field(default_factory=dict)
    condemned: list[tuple[str, Known]] = field(default_factory=list)
    lose_next_checkpoint: bool = False
    last_error: str = ""

    def up(self, urn: str, inputs: dict[str, Any]) -> bool:
        """Create, update or replace; False where the operation failed."""
        wanted = {"owner": OWNER, "resource_urn": urn, **inputs}
        known = self.state.get(urn)
        try:
            checked = self.host.check(urn, known.inputs if known else {}, wanted)
            if checked.failures:
                return False
            if known is None:
                self.state[urn] = self._create(urn, checked.inputs)
                return True
            return self._change(urn, known, checked.inputs, wanted)
        except HostError as error:
            return self._failed(error)

    def refresh(self, urn: str) -> bool:
        """Read; drops what is gone."""
        known = self.state.get(urn)
        if known is None:
            return True
        try:
            read = self.host.read(urn, known.id, known.outputs, known.inputs)
        except HostError as error:
            return self._failed(error)
        if read.id:
            self.state[urn] = Known(known.id, known.inputs, read.outputs)
        else:
            del self.state[urn]
        return True

    def destroy(self, urn: str) -> bool:
        """Delete the resource."""
        known = self.state.get(urn)
        if known is None:
            return True
        try:
            self.host.delete(urn, known.id, known.outputs)
        except HostError as error:
            return self._failed(error)
        del self.state[urn]
        return True

    def delete_condemned(self) -> bool:
        """Delete what replacements have left."""
        for pending in list(self.condemned):
            try:
                self.host.delete(pending[0], pending[1].id, pending[1].outputs)
            except HostError as error:
                return self._failed(error)
            self.condemned.remove(pending)
        return True

    def known(self) -> Iterator[Known]:
        """Everything the state knows."""
        yield from self.state.values()
        yield from (known for _, known in self.condemned)

    def _change(self, urn: str, known: Known, inputs: dict[str, Any], wanted: dict[str, Any]) -> bool:
        diff = self.host.diff(urn, known.id, known.outputs, inputs)
        if diff.replaces:
            self.state[urn] = self._create(urn, self.host.check(urn, {}, wanted).inputs)
            self.condemned.append((urn, known))
            return self.delete_condemned()
        if diff.changes:
            outputs = self.host.update(urn, known.id, known.outputs, inputs)
            self.state[urn] = Known(known.id, inputs, outputs)
        return True

    def _create(self, urn: str, inputs: dict[str, Any]) -> Known:
        created = self.host.create(urn, inputs)
        if self.lose_next_checkpoint:
            self.lose_next_checkpoint = False
            self.host.kill()
            raise HostError("Create", "UNAVAILABLE", "killed before the checkpoint")
        return Known(created.id, inputs, created.outputs)

    def _failed(self, error: HostError) -> bool:
        self.last_error = str(error)
        if not self.host.alive:
            self.host.restart()
        return False


def host_for(simulator: Simulator, receipts: Path, *, request_timeout: float, settle_timeout: float) -> ProviderHost:
    """A host whose receipts are in this file. Times are in seconds."""
    return ProviderHost(
        BatchProvider(),
        config={
            "anchorbrowser:apiKey": KEY,
            "anchorbrowser:baseUrl": simulator.url,
            "anchorbrowser:maxRetries": "1",
            "anchorbrowser:requestTimeout": str(request_timeout),
            "anchorbrowser:settleTimeout": str(settle_timeout),
        },
        env={"ANCHORBROWSER_RECEIPTS": str(receipts), "ANCHORBROWSER_API_KEY": None},
        call_timeout=60,
    )

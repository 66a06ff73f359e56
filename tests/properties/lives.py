"""A small engine with a state of its own, over the real provider host: what `pulumi` does to a resource."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.native import IN_PYTHON

from pulumi_anchorbrowser.dynamic.providers import BatchProvider
from pulumi_anchorbrowser.rehearsal import HostError, ProviderHost
from pulumi_anchorbrowser.simulator import Simulator

KEY = "key-of-the-lives"
OWNER = "organization/project/lives"
DYNAMIC, PLUGIN = "pulumi-python", "anchorbrowser"
_OF_PLUGIN = {in_python: name for name, in_python in IN_PYTHON.items()}


@dataclass
class Known:
    """A resource as the state has it. `half`: its create has failed after it had made the resource."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    half: bool = False


@dataclass
class Engine:
    """Runs operations on the host, and keeps the state in a file, as `pulumi stack export` prints it.

    A kill of the host stands for a kill of the whole run: the state stays as it was written last, with an entry for the
    create in flight. A create that fails leaves no entry.
    """

    host: ProviderHost
    place: Path
    package: str = DYNAMIC
    state: dict[str, Known] = field(default_factory=dict)
    condemned: list[tuple[str, Known]] = field(default_factory=list)
    pending: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lose_next_checkpoint: bool = False
    last_error: str = ""

    def up(self, urn: str, inputs: dict[str, Any]) -> bool:
        """Create, update or replace; False where the operation failed."""
        wanted = {"owner": OWNER, **inputs} if self.package == DYNAMIC else _renamed(inputs, _OF_PLUGIN)
        known = self.state.get(urn)
        try:
            checked = self.host.check(urn, known.inputs if known else {}, wanted)
            if checked.failures:
                return False
            if known is None:
                self._create(urn, checked.inputs)
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
        self.save()
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
        self.save()
        return True

    def delete_condemned(self) -> bool:
        """Delete what replacements have left."""
        for condemned in list(self.condemned):
            try:
                self.host.delete(condemned[0], condemned[1].id, condemned[1].outputs)
            except HostError as error:
                return self._failed(error)
            self.condemned.remove(condemned)
            self.save()
        return True

    def new_run(self) -> None:
        """Begin another run: the engine has another address, and a host of its own."""
        self.host.close()
        self.host.engine.stop()
        try:
            self.host.start()
        except HostError:
            # Of two kills at one request, the second may strike the run that follows.
            self.host.start()

    def known(self) -> Iterator[Known]:
        """Everything the state knows, with Python's names of outputs."""
        for known in (*self.state.values(), *(known for _, known in self.condemned)):
            yield Known(known.id, known.inputs, _renamed(known.outputs, IN_PYTHON))

    def save(self) -> None:
        """Write the state, whole: a host that has just started may be reading it."""
        resources = [*self.state.items(), *self.condemned]
        document = {
            "resources": [
                {**_resource(urn, one.inputs), "id": one.id, "outputs": one.outputs} for urn, one in resources
            ],
            "pending_operations": [
                {"resource": _resource(urn, inputs), "type": "creating"} for urn, inputs in self.pending
            ],
        }
        beside = self.place.with_suffix(".new")
        beside.write_text(json.dumps({"deployment": document}), encoding="utf-8")
        beside.replace(self.place)

    def _change(self, urn: str, known: Known, inputs: dict[str, Any], wanted: dict[str, Any]) -> bool:
        diff = self.host.diff(urn, known.id, known.outputs, inputs)
        if diff.replaces and diff.delete_before_replace:
            self.host.delete(urn, known.id, known.outputs)
            del self.state[urn]
            self.save()
            self._create(urn, self.host.check(urn, {}, wanted).inputs)
        elif diff.replaces:
            self._create(urn, self.host.check(urn, {}, wanted).inputs, known)
            return self.delete_condemned()
        elif diff.changes or known.half:
            outputs = self.host.update(urn, known.id, known.outputs, inputs)
            self.state[urn] = Known(known.id, inputs, outputs)
            self.save()
        return True

    def _create(self, urn: str, inputs: dict[str, Any], replaced: Known | None = None) -> None:
        entry = (urn, inputs)
        self.pending.append(entry)
        self.save()
        try:
            created = self.host.create(urn, inputs)
        except HostError as error:
            if self.host.alive:
                self.pending.remove(entry)
                self._keep_half(urn, inputs, error, replaced)
                self.save()
            raise
        if self.lose_next_checkpoint:
            self.lose_next_checkpoint = False
            self.host.kill()
            raise HostError("Create", "UNAVAILABLE", "killed before the checkpoint")
        self.pending.remove(entry)
        self.state[urn] = Known(created.id, inputs, created.outputs)
        if replaced is not None:
            self.condemned.append((urn, replaced))
        self.save()

    def _keep_half(self, urn: str, inputs: dict[str, Any], error: HostError, replaced: Known | None) -> None:
        if error.made is not None:
            self.state[urn] = Known(error.made.id, inputs, error.made.outputs, half=True)
            if replaced is not None:
                self.condemned.append((urn, replaced))

    def _failed(self, error: HostError) -> bool:
        self.last_error = str(error)
        if not self.host.alive:
            self.new_run()
        return False


def _renamed(properties: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in properties.items()}


def _resource(urn: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"urn": urn, "custom": True, "type": urn.split("::")[2], "inputs": inputs}


def host_for(
    package: str, simulator: Simulator, receipts: Path, state: Path, *, request_timeout: float, settle_timeout: float
) -> ProviderHost:
    """A host whose receipts and state are in these files. Times are in seconds."""
    return ProviderHost(
        BatchProvider() if package == DYNAMIC else None,
        package=package,
        config={
            "anchorbrowser:apiKey": KEY,
            "anchorbrowser:baseUrl": simulator.url,
            "anchorbrowser:maxRetries": "1",
            "anchorbrowser:requestTimeout": str(request_timeout),
            "anchorbrowser:settleTimeout": str(settle_timeout),
        },
        env={
            "ANCHORBROWSER_RECEIPTS": str(receipts),
            "ANCHORBROWSER_STATE_FILE": str(state),
            "ANCHORBROWSER_API_KEY": None,
        },
        call_timeout=60,
    )

"""The three resources as the plugin serves them: which function of the binding answers which request of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.binding import batch, cleanup, ready
from pulumi_anchorbrowser.binding.services import Checked, Services
from pulumi_anchorbrowser.cleanup import RESULTS
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle import DEFAULTS, BatchInputs, BatchRecord, Changes, Notices
from pulumi_anchorbrowser.lifecycle.errors import OutcomeUnknown
from pulumi_anchorbrowser.lifecycle.waiting import READY_RESULTS, WAITED_FOR
from pulumi_anchorbrowser.native.properties import UNKNOWN, is_unknown

_CLAIM_IN_STATE = (
    "The state has this claim: the next `pulumi up` or `pulumi destroy`, on any machine, looks for that batch and "
    "deletes it first."
)
Properties = Mapping[str, Any]
Keep = Callable[[str, dict[str, Any]], object]


class UnknownResource(ExpectedError):
    """The program has a resource that this version of the plugin does not have."""

    anchor = "unknown-resource"
    advice = "Correct the type in the program, or install a newer version of the plugin."

    def __init__(self, token: str) -> None:
        super().__init__(f"Version {__version__} of the plugin has no {token}, only {', '.join(KINDS)}")


class NotImportable(ExpectedError):
    """The resource is a record of what Pulumi did, so there is nothing to import."""

    anchor = "not-importable"
    advice = "Import a Batch by its id, and declare this resource in the program."

    def __init__(self, kind: str) -> None:
        super().__init__(f"A {kind} cannot be imported: it exists in Pulumi's state alone")


@dataclass(frozen=True)
class Target:
    """What every request has: the services, the resource's URN, its stack, and where messages go."""

    services: Services
    urn: str
    owner: str
    notices: Notices


class Kind:
    """A resource whose outputs are a record: a refresh leaves them, and deleting them does nothing."""

    name: ClassVar[str]
    secrets: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """The paths of inputs and outputs that are secret."""

    def check(self, target: Target, old_inputs: Properties, news: Properties) -> Checked:
        """Return the inputs as they are saved, and what is wrong with them."""
        raise NotImplementedError

    def diff(self, target: Target, id_: str, old_outputs: Properties, news: Properties) -> Changes:
        """Return what changed."""
        raise NotImplementedError

    def create(self, target: Target, news: Properties, keep: Keep) -> tuple[str, dict[str, Any]]:
        """Create it. Return its id and outputs."""
        raise NotImplementedError

    def update(self, target: Target, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Change it. Return the outputs."""
        raise NotImplementedError

    def preview(self, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Return the outputs of a create (`old_outputs` is empty) or an update as far as they are known."""
        raise NotImplementedError

    def read(self, _target: Target, old_outputs: Properties) -> dict[str, Any] | None:
        """Return the outputs brought up to date; None where it is gone."""
        return dict(old_outputs)

    def import_(self, _target: Target, _id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the inputs and the outputs of what exists under this id."""
        raise NotImportable(self.name)

    def delete(self, _target: Target, _olds: Properties) -> None:
        """Delete it."""
        return


class BatchKind(Kind):
    """`Batch`."""

    name = "Batch"
    secrets = (("configuration", "session", "proxy", "password"),)
    _outputs = tuple(name for name in BatchRecord.model_fields if name not in {"resource_urn", "ended", "missing"})
    # What a cancel, a delete or the ending of sessions will say.
    _of_a_stop = (
        "live_status",
        "cancelled_sessions",
        "ended_sessions",
        "deleted_sessions",
        "failed_deletions",
        "deletion_errors",
        "still_running",
        "confirmed_at",
        "message",
    )

    def check(self, target: Target, old_inputs: Properties, news: Properties) -> Checked:
        """Return the inputs, with a claim."""
        return batch.check(target.services, old_inputs, news, urn=target.urn, owner=target.owner, is_unknown=is_unknown)

    def diff(self, target: Target, id_: str, old_outputs: Properties, news: Properties) -> Changes:
        """Return what changed, and what of it needs a new batch."""
        return batch.diff(
            target.services, id_, old_outputs, news, urn=target.urn, is_unknown=is_unknown, notices=target.notices
        )

    def create(self, target: Target, news: Properties, keep: Keep) -> tuple[str, dict[str, Any]]:
        """Start or adopt a batch."""
        try:
            return batch.create(target.services, news, urn=target.urn, notices=target.notices, keep=keep)
        except OutcomeUnknown as error:
            error.advice = _CLAIM_IN_STATE
            raise

    def update(self, target: Target, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Cancel or delete the batch where the desired status has changed to that; save the rest."""
        return batch.update(target.services, old_outputs, news, urn=target.urn, notices=target.notices)

    def preview(self, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Return the outputs as far as they are known."""
        inputs = {**DEFAULTS, **news}
        if not old_outputs:
            return {**dict.fromkeys(self._outputs, UNKNOWN), "count": None, "configuration": None, "metadata": None,
                    "adopted": "batch_id" in news, **inputs}  # fmt: skip
        kept = {name: value for name, value in old_outputs.items() if name not in BatchInputs.model_fields}
        outputs = {**kept, **inputs, "batch_id": old_outputs.get("batch_id"), "claim": old_outputs.get("claim")}
        changes = any(old_outputs.get(name) != inputs[name] for name in ("status", "if_completed"))
        return {**outputs, **dict.fromkeys(self._of_a_stop, UNKNOWN)} if changes else outputs

    def read(self, target: Target, old_outputs: Properties) -> dict[str, Any] | None:
        """Return the outputs brought up to date."""
        return batch.read(target.services, old_outputs, urn=target.urn, notices=target.notices)

    def import_(self, target: Target, id_: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the inputs and outputs of a resource that adopts this batch."""
        outputs = batch.import_(target.services, id_, urn=target.urn, owner=target.owner, notices=target.notices)
        names = ("batch_id", "status", "on_destroy", "owner", "claim")
        return {name: outputs[name] for name in names}, outputs

    def delete(self, target: Target, old_outputs: Properties) -> None:
        """Do what `on_destroy` says."""
        batch.delete(target.services, old_outputs, urn=target.urn, notices=target.notices)


class BatchReadyKind(Kind):
    """`BatchReady`."""

    name = "BatchReady"
    secrets = (("sessions",),)

    def check(self, target: Target, _olds: Properties, news: Properties) -> Checked:
        """Return the inputs with their defaults."""
        return ready.check(target.services, news, is_unknown=is_unknown)

    def diff(self, _target: Target, _id: str, old_outputs: Properties, news: Properties) -> Changes:
        """Return what changed: another batch is another wait."""
        return ready.diff(old_outputs, news, is_unknown=is_unknown)

    def create(self, target: Target, news: Properties, _keep: Keep) -> tuple[str, dict[str, Any]]:
        """Wait. A failure leaves the batch, which is a resource of its own, in the state."""
        return ready.create(target.services, news, urn=target.urn, notices=target.notices)

    def update(self, target: Target, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Wait again where the inputs ask for another wait."""
        return ready.update(target.services, old_outputs, news, urn=target.urn, notices=target.notices)

    def preview(self, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Return the outputs as far as they are known."""
        waits = not old_outputs or any(old_outputs.get(name) != news.get(name) for name in WAITED_FOR)
        return {**old_outputs, **news, **(dict.fromkeys(READY_RESULTS, UNKNOWN) if waits else {})}


class BatchCleanupKind(Kind):
    """`BatchCleanup`."""

    name = "BatchCleanup"

    def check(self, target: Target, old_inputs: Properties, news: Properties) -> Checked:
        """Return the inputs with their defaults. Report the plan of a cleanup on apply."""
        return cleanup.check(
            target.services,
            old_inputs,
            news,
            urn=target.urn,
            owner=target.owner,
            is_unknown=is_unknown,
            notices=target.notices,
        )

    def diff(self, _target: Target, _id: str, old_outputs: Properties, news: Properties) -> Changes:
        """Return what changed. Nothing makes a new cleanup necessary."""
        return cleanup.diff(old_outputs, news)

    def create(self, target: Target, news: Properties, _keep: Keep) -> tuple[str, dict[str, Any]]:
        """Run the cleanup where it runs on apply."""
        return cleanup.create(target.services, news, urn=target.urn, notices=target.notices)

    def update(self, target: Target, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Run the cleanup again where it runs on apply and what it does has changed."""
        return cleanup.update(target.services, old_outputs, news, urn=target.urn, notices=target.notices)

    def preview(self, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Return the outputs as far as they are known."""
        runs = cleanup.runs_on_apply(old_outputs, news)
        results = dict.fromkeys(RESULTS, UNKNOWN) if runs else {name: old_outputs.get(name) for name in RESULTS}
        return {**news, **results}

    def delete(self, target: Target, old_outputs: Properties) -> None:
        """Run the cleanup where it runs on destroy."""
        cleanup.delete(target.services, old_outputs, urn=target.urn, notices=target.notices)


KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (BatchKind(), BatchReadyKind(), BatchCleanupKind())}

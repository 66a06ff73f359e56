"""What the plugin's resources do beyond those of every binding: previews, imports, and what a failed create says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.binding import batch, cleanup, kinds
from pulumi_anchorbrowser.binding.kinds import Keep, Properties, Target
from pulumi_anchorbrowser.cleanup import RESULTS
from pulumi_anchorbrowser.errors import ExpectedError
from pulumi_anchorbrowser.lifecycle import DEFAULTS, BatchInputs, BatchRecord, Changes
from pulumi_anchorbrowser.lifecycle.errors import OutcomeUnknown
from pulumi_anchorbrowser.lifecycle.waiting import READY_RESULTS, WAITED_FOR
from pulumi_anchorbrowser.native.properties import UNKNOWN

_CLAIM_IN_STATE = (
    "The state has this claim: the next `pulumi up` or `pulumi destroy`, on any machine, looks for that batch and "
    "deletes it first."
)


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


class Kind(kinds.Kind):
    """A resource as the plugin serves it."""

    def preview(self, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Return the outputs of a create (`old_outputs` is empty) or an update as far as they are known."""
        raise NotImplementedError

    def import_(self, _target: Target, _id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the inputs and the outputs of what exists under this id."""
        raise NotImportable(self.name)


class BatchKind(kinds.BatchKind, Kind):
    """`Batch`."""

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

    def create(self, target: Target, news: Properties, keep: Keep = None) -> tuple[str, dict[str, Any]]:
        """Start or adopt a batch. An unknown outcome stays in the state, which the dynamic provider cannot do."""
        try:
            return super().create(target, news, keep)
        except OutcomeUnknown as error:
            error.advice = _CLAIM_IN_STATE
            raise

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

    def import_(self, target: Target, id_: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the inputs and outputs of a resource that adopts this batch."""
        outputs = batch.import_(target.services, id_, urn=target.urn, owner=target.owner, notices=target.notices)
        names = ("batch_id", "status", "on_destroy", "owner", "claim")
        return {name: outputs[name] for name in names}, outputs


class BatchReadyKind(kinds.BatchReadyKind, Kind):
    """`BatchReady`."""

    def diff(self, target: Target, id_: str, old_outputs: Properties, news: Properties) -> Changes:
        """Return what changed. A preview knows the id of a batch that stays: an unknown one is of another batch."""
        changes = super().diff(target, id_, old_outputs, news)
        is_another = target.is_unknown(news.get("batch_id"))
        return changes._replace(replaces=["batch_id"]) if is_another else changes

    def preview(self, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Return the outputs as far as they are known."""
        waits = not old_outputs or any(old_outputs.get(name) != news.get(name) for name in ("batch_id", *WAITED_FOR))
        return {**old_outputs, **news, **(dict.fromkeys(READY_RESULTS, UNKNOWN) if waits else {})}


class BatchCleanupKind(kinds.BatchCleanupKind, Kind):
    """`BatchCleanup`."""

    def preview(self, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Return the outputs as far as they are known."""
        runs = cleanup.runs_on_apply(old_outputs, news)
        results = dict.fromkeys(RESULTS, UNKNOWN) if runs else {name: old_outputs.get(name) for name in RESULTS}
        return {**news, **results}


KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (BatchKind(), BatchReadyKind(), BatchCleanupKind())}

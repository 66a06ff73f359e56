"""The three resources behind one interface: which function answers which request of the engine, in every binding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pulumi_anchorbrowser.binding import batch, cleanup, ready
from pulumi_anchorbrowser.binding.services import Checked, Services
from pulumi_anchorbrowser.lifecycle import Changes, Notices
from pulumi_anchorbrowser.lifecycle.checks import IsUnknown

Properties = Mapping[str, Any]
# Gets what is known of a create that fails. None where the binding cannot save that.
Keep = Callable[[str, dict[str, Any]], object] | None


@dataclass(frozen=True)
class Target:
    """What every request has: the services, the resource's URN, its stack, and where messages go.

    `is_unknown` says which values a preview does not know yet.
    """

    services: Services
    urn: str
    owner: str
    notices: Notices
    is_unknown: IsUnknown


class Kind:
    """One kind of resource. By default a refresh leaves its outputs as they are, and deleting it does nothing."""

    name: ClassVar[str]
    secrets: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """The paths of inputs and outputs that are secret."""

    def check(self, target: Target, old_inputs: Properties, news: Properties) -> Checked:
        """Return the inputs as they are saved, and what is wrong with them."""
        raise NotImplementedError

    def diff(self, target: Target, id_: str, old_outputs: Properties, news: Properties) -> Changes:
        """Return what changed, and what of it needs a new resource."""
        raise NotImplementedError

    def create(self, target: Target, news: Properties, keep: Keep = None) -> tuple[str, dict[str, Any]]:
        """Create it. Return its id and outputs. `keep` gets what is known of a create that fails."""
        raise NotImplementedError

    def read(self, _target: Target, old_outputs: Properties) -> dict[str, Any] | None:
        """Return the outputs brought up to date; None where it is gone."""
        return dict(old_outputs)

    def update(self, target: Target, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Change it. Return the outputs."""
        raise NotImplementedError

    def delete(self, _target: Target, _old_outputs: Properties) -> None:
        """Delete it."""
        return


class BatchKind(Kind):
    """`Batch`."""

    name = "Batch"
    secrets = (("configuration", "session", "proxy", "password"),)

    def check(self, target: Target, old_inputs: Properties, news: Properties) -> Checked:
        """Return the inputs, with a claim."""
        return batch.check(
            target.services, old_inputs, news, urn=target.urn, owner=target.owner, is_unknown=target.is_unknown
        )

    def diff(self, target: Target, id_: str, old_outputs: Properties, news: Properties) -> Changes:
        """Return what changed, and what of it needs a new batch."""
        return batch.diff(
            target.services,
            id_,
            old_outputs,
            news,
            urn=target.urn,
            is_unknown=target.is_unknown,
            notices=target.notices,
        )

    def create(self, target: Target, news: Properties, keep: Keep = None) -> tuple[str, dict[str, Any]]:
        """Start or adopt a batch."""
        return batch.create(target.services, news, urn=target.urn, notices=target.notices, keep=keep)

    def read(self, target: Target, old_outputs: Properties) -> dict[str, Any] | None:
        """Return the outputs brought up to date; None where the resource is to be dropped."""
        return batch.read(target.services, old_outputs, urn=target.urn, notices=target.notices)

    def update(self, target: Target, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Cancel or delete the batch where the desired status has changed to that; save the rest."""
        return batch.update(target.services, old_outputs, news, urn=target.urn, notices=target.notices)

    def delete(self, target: Target, old_outputs: Properties) -> None:
        """Do what `on_destroy` says."""
        batch.delete(target.services, old_outputs, urn=target.urn, notices=target.notices)


class BatchReadyKind(Kind):
    """`BatchReady`."""

    name = "BatchReady"
    secrets = (("sessions",),)

    def check(self, target: Target, _old_inputs: Properties, news: Properties) -> Checked:
        """Return the inputs with their defaults."""
        return ready.check(target.services, news, is_unknown=target.is_unknown)

    def diff(self, target: Target, _id: str, old_outputs: Properties, news: Properties) -> Changes:
        """Return what changed: another batch is another wait."""
        return ready.diff(old_outputs, news, is_unknown=target.is_unknown)

    def create(self, target: Target, news: Properties, _keep: Keep = None) -> tuple[str, dict[str, Any]]:
        """Wait. A failure leaves the batch, which is a resource of its own, in the state."""
        return ready.create(target.services, news, urn=target.urn, notices=target.notices)

    def update(self, target: Target, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Wait again where the inputs ask for another wait."""
        return ready.update(target.services, old_outputs, news, urn=target.urn, notices=target.notices)


class BatchCleanupKind(Kind):
    """`BatchCleanup`."""

    name = "BatchCleanup"

    def check(self, target: Target, old_inputs: Properties, news: Properties) -> Checked:
        """Return the inputs with their defaults. Report the plan of a cleanup on apply.

        A check in a preview looks like any other, so an `up` reports the plan as well.
        """
        return cleanup.check(
            target.services,
            old_inputs,
            news,
            urn=target.urn,
            owner=target.owner,
            is_unknown=target.is_unknown,
            notices=target.notices,
        )

    def diff(self, _target: Target, _id: str, old_outputs: Properties, news: Properties) -> Changes:
        """Return what changed. Nothing makes a new cleanup necessary."""
        return cleanup.diff(old_outputs, news)

    def create(self, target: Target, news: Properties, _keep: Keep = None) -> tuple[str, dict[str, Any]]:
        """Run the cleanup where it runs on apply."""
        return cleanup.create(target.services, news, urn=target.urn, notices=target.notices)

    def update(self, target: Target, old_outputs: Properties, news: Properties) -> dict[str, Any]:
        """Run the cleanup again where it runs on apply and what it does has changed."""
        return cleanup.update(target.services, old_outputs, news, urn=target.urn, notices=target.notices)

    def delete(self, target: Target, old_outputs: Properties) -> None:
        """Run the cleanup where it runs on destroy."""
        cleanup.delete(target.services, old_outputs, urn=target.urn, notices=target.notices)

"""The providers as Pulumi knows them: names in users' state, which stand for operations in the provider host.

The dotted paths of the three classes are a contract for ever: never move or rename one.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import Any, ClassVar

from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from pulumi_anchorbrowser.dynamic import sdk_patches


class AnchorBrowserProvider(ResourceProvider):
    """A provider that Pulumi stores in users' state by the name of its class alone.

    Its subclasses have no `__init__`, and no attributes until `configure`. What they do is imported there: a program
    that declares batches needs none of it, and would wait for the import as long again as for Pulumi's.
    """

    # There is no secret in a name; as a secret, the engine would encrypt it anew at every step.
    serialize_as_secret_always = False
    operations: ClassVar[str]
    """Where the operations are: `module:class`."""
    _operations: ResourceProvider

    def configure(self, req: ConfigureRequest) -> None:
        """Make the operations. The host calls this once, with the stack's config, before anything else."""
        operations = resolve_name(self.operations)()
        operations.configure(req)
        self._operations = operations

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs, or what is wrong with them."""
        return self._operations.check(olds, news)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Return whether, and how, the resource changes."""
        return self._operations.diff(id_, olds, news)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create the resource."""
        return self._operations.create(props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Bring the resource's outputs up to date."""
        return self._operations.read(id_, props)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change the resource."""
        return self._operations.update(id_, olds, news)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete the resource."""
        self._operations.delete(id_, props)


class BatchProvider(AnchorBrowserProvider):
    """Starts, adopts and stops batches."""

    operations = "pulumi_anchorbrowser.dynamic.host:BatchOperations"

    def configure(self, req: ConfigureRequest) -> None:
        """Begin to read the state, and make the operations meanwhile."""
        sdk_patches.begin_export_for_request()
        super().configure(req)


class BatchReadyProvider(AnchorBrowserProvider):
    """Waits for batches."""

    operations = "pulumi_anchorbrowser.dynamic.host:BatchReadyOperations"


class BatchCleanupProvider(AnchorBrowserProvider):
    """Runs cleanups."""

    operations = "pulumi_anchorbrowser.dynamic.host:BatchCleanupOperations"

"""The providers as Pulumi knows them: names in users' state, which stand for operations in the provider host."""

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


class AnchorBrowserProvider(ResourceProvider):
    """A provider that Pulumi stores in users' state by the name of its class alone.

    The dotted paths of its subclasses are a contract for ever. They have no `__init__`, and no attributes until
    `configure`. What they do is imported there: a program that declares batches needs none of it, and would wait for
    it as long again as for Pulumi itself.
    """

    # There is no secret in a name; as a secret, it would be encrypted anew at every step of the engine.
    serialize_as_secret_always = False
    operations: ClassVar[str]
    """Where they are: `module:class`."""
    _operations: ResourceProvider

    def configure(self, req: ConfigureRequest) -> None:
        """Called once in each host, with the stack's config, before anything else."""
        operations = resolve_name(self.operations)()
        operations.configure(req)
        self._operations = operations

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """See the operations; so too for what follows."""
        return self._operations.check(olds, news)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Whether, and how, the resource is to change."""
        return self._operations.diff(id_, olds, news)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make it."""
        return self._operations.create(props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Bring its outputs up to date."""
        return self._operations.read(id_, props)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change it."""
        return self._operations.update(id_, olds, news)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Remove it."""
        self._operations.delete(id_, props)

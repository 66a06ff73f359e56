"""In a module of its own, so that the state keeps the provider's name and not its code."""

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult


class IdleProvider(ResourceProvider):
    """Calls nothing."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Nothing is created."""
        return CreateResult(f"idle-{id(props)}", props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Nothing is read."""
        return ReadResult(id_, props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Only the status can change."""
        return DiffResult(changes=olds["status"] != news["status"])

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Nothing is updated."""
        return UpdateResult(news)

"""Somebody else's dynamic provider, which fails, beside ours in the same host."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, ResourceProvider


class AnchorBrowserError(Exception):
    """An error of theirs that only has the same name as ours."""


class GrumpyProvider(ResourceProvider):
    """Fails at every create."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        raise AnchorBrowserError("theirs") if props.get("same_name") else RuntimeError("the kettle is empty")

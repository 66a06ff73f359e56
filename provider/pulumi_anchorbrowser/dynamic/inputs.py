"""What a constructor adds to the user's inputs: secrecy, and the resource's own URN."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pulumi

_PATH_TO_PROXY = ("session", "proxy")
_PASSWORD = "password"  # noqa: S105  # the name of the property, not a password


def with_secret_password(configuration: pulumi.Input[Any] | None) -> pulumi.Input[Any] | None:
    """The configuration with a custom proxy's password made secret, even if the user passed it plain."""
    return _protect(configuration, _PATH_TO_PROXY)


def _protect(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        if not path:
            password = value.get(_PASSWORD)
            return {**value, _PASSWORD: pulumi.Output.secret(password)} if password is not None else value
        inner = value.get(path[0])
        return {**value, path[0]: _protect(inner, path[1:])} if inner is not None else value
    if isinstance(value, pulumi.Output) or asyncio.isfuture(value) or asyncio.iscoroutine(value):
        # The password cannot be reached before the value is known, so all of the value is made secret with it.
        return pulumi.Output.from_input(value).apply(lambda known: _secret_where_it_holds_a_password(known, path))
    return value


def _secret_where_it_holds_a_password(known: Any, path: tuple[str, ...]) -> Any:
    found = known
    for name in (*path, _PASSWORD):
        found = found.get(name) if isinstance(found, Mapping) else None
    return known if found is None else pulumi.Output.secret(known)


def owner() -> str:
    """`organization/project/stack` of the running program."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


def resource_urn(name: str, type_: str, opts: pulumi.ResourceOptions | None) -> pulumi.Output[str]:
    """The URN that the resource is going to have. The host is not told it, and needs it to write on the right row.

    Without the dependencies that it would inherit from a parent: it says where the resource is, not what it needs.
    """
    parent = opts.parent if opts else None
    urn = pulumi.create_urn(name, type_, parent)
    resources: set[pulumi.Resource] = set()
    return cast("pulumi.Output[str]", pulumi.Output(resources, urn.future(), urn.is_known()))

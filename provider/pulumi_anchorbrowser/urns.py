"""What a resource's URN says: its name, and its stack, also after a rename of that."""

from __future__ import annotations

_PARTS = 4


def name_of(urn: str) -> str:
    """Return the resource's name in the program."""
    return urn.split("::")[-1]


def project_and_stack(urn: str) -> str | None:
    """Return `project/stack` of a resource; None for a text that is no URN."""
    parts = urn.removeprefix("urn:pulumi:").split("::")
    return f"{parts[1]}/{parts[0]}" if len(parts) >= _PARTS else None


def stack_of_urn(urn: str, owner: str) -> str | None:
    """Return `organization/project/stack` of a resource; None for a text that is no URN.

    `owner` begins with the organization, which no URN names: it is one, or a stack's whole name.
    """
    stack = project_and_stack(urn)
    return f"{owner.partition('/')[0]}/{stack}" if stack else None

"""What our resources have in common, in the program."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi import dynamic

from pulumi_anchorbrowser.dynamic.inputs import resource_urn
from pulumi_anchorbrowser.dynamic.provider import AnchorBrowserProvider
from pulumi_anchorbrowser.dynamic.source_position import stand_in_the_program

_LOGGER = logging.getLogger("pulumi_anchorbrowser")


class AnchorBrowserResource(dynamic.Resource):
    """A resource that knows its own URN, stands in the user's line, and that the SDK waits for once."""

    def __init__(
        self,
        provider: AnchorBrowserProvider,
        resource_name: str,
        properties: dict[str, Any],
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        """Register it, after `resource_urn` has been added to its properties."""
        properties["resource_urn"] = resource_urn(resource_name, f"pulumi-python:{self._resource_type_name}", opts)
        own = tuple(properties)
        stand_in_the_program()
        super().__init__(provider, resource_name, properties, opts)
        _wait_for_one_of([vars(self)[name] for name in own])


def _wait_for_one_of(outputs: Sequence[pulumi.Output[Any]]) -> None:
    """Have the SDK wait for one of a resource's outputs, since all of them are settled at the same moment.

    At the end of a program it waits for all outputs that are not settled yet, and again after each one: which takes
    longer than anything else, where each of many batches has some twenty-five.
    """
    # Asked of the class: an output itself has every attribute, that of its value.
    untrack = getattr(pulumi.Output, "_untrack", None)
    if untrack is None:
        _LOGGER.debug("the SDK waits for outputs in another way")
        return
    for output in outputs[1:]:
        untrack(output)

"""Browsers stop before the network that they use is destroyed, on every plain `pulumi destroy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic

from pulumi_anchorbrowser import BatchCleanup

TAG = "uses-the-network"


class NetworkProvider(dynamic.ResourceProvider):
    """A folder stands in for the network, so that the example needs no cloud."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Make it."""
        Path(props["folder"]).mkdir(parents=True)
        return dynamic.CreateResult(props["folder"], props)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Remove it."""
        Path(props["folder"]).rmdir()


class Network(dynamic.Resource, module="example", name="Network"):
    """In your program: the VPC, the proxy, the staging site."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(NetworkProvider(), name, {"folder": str(folder)})


network = Network("network", Path.cwd() / "network")

# What depends on something is destroyed before it.
BatchCleanup(
    "stop-browsers",
    select={"owner": "any", "tags": [TAG]},
    opts=pulumi.ResourceOptions(depends_on=[network]),
)

pulumi.export("network", network.id)

"""Browsers stop just before the site that they look at is deleted or replaced: a hook on the site itself."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi import dynamic

from pulumi_anchorbrowser import teardown_hook

TAG = "looks-at-staging"


class SiteProvider(dynamic.ResourceProvider):
    """A name stands in for the site, so that the example needs no cloud."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Another release replaces the site."""
        changed = olds.get("release") != news.get("release")
        return dynamic.DiffResult(changes=changed, replaces=["release"] if changed else [], delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Nothing is made."""
        return dynamic.CreateResult(f"site-of-release-{props['release']}", props)


class Site(dynamic.Resource, module="example", name="Site"):
    """In your program: whatever the browsers look at."""

    def __init__(self, name: str, release: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(SiteProvider(), name, {"release": release}, opts)


stop_browsers = teardown_hook("stop-browsers", select={"owner": "any", "tags": [TAG]}, action="end_sessions")

site = Site(
    "staging",
    release=pulumi.Config().get("release") or "1",
    opts=pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_delete=[stop_browsers])),
)

pulumi.export("site", site.id)

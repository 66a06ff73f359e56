"""The same with plain dictionaries, of which the type checker knows as much."""

import pulumi

from pulumi_anchorbrowser import Batch, BatchCleanup, BatchReady, SessionConfigurationArgs

named: SessionConfigurationArgs = {"session": {"timeout": {"max_duration": 30}}}

batch = Batch(
    "crawl",
    count=3,
    configuration={
        "session": {
            "tags": ["pr-12", pulumi.Output.from_input("nightly")],
            "proxy": {"active": True, "type": "anchor_proxy", "country_code": pulumi.Output.from_input("us")},
            "timeout": {"max_duration": 30},
        },
        "browser": {"viewport": {"width": 1280, "height": 720}, "headless": {"active": True}},
    },
    metadata={"team": "research"},
)
Batch("named", count=1, configuration=named)
BatchReady("crawl-ready", batch_id=batch.batch_id, timeout=300)
BatchCleanup("leftovers", select={"statuses": ["pending"], "older_than": 3600}, exclude={"tags": ["keep"]})

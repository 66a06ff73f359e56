"""The program that the state beside it was recorded with: one resource in every stage of its life."""

import pulumi

from pulumi_anchorbrowser import Batch, BatchCleanup, BatchReady

config = pulumi.Config()
# While the state is recorded, every batch is started first: `cancelled` and `deleted` come with a second `up`.
starting = config.get_bool("starting")

configuration = {
    "session": {
        "tags": ["crawl"],
        "proxy": {
            "active": True,
            "type": "custom",
            "server": "http://proxy.example.com:3128",
            "username": "someone",
            "password": "the-password-of-the-proxy",
        },
        "timeout": {"max_duration": 30, "idle_timeout": 5},
    },
    "browser": {"adblock": {"active": True}, "viewport": {"width": 1280, "height": 720}},
}
active = Batch("active", count=3, configuration=configuration, metadata={"job": "nightly", "try": 1})
ready = BatchReady("ready", batch_id=active.batch_id, min_ready=2, timeout="5m", retry_failed=1, record_sessions=True)
cancelled = Batch("cancelled", count=4, status="active" if starting else "cancelled", if_completed="fail")
deleted = Batch("deleted", count=2, status="active" if starting else "deleted", metadata={"job": "once"})
adopted = Batch("adopted", batch_id=config.require("adopted"), on_destroy="end_sessions", on_missing="recreate")
# On apply: at a destroy, which the tests count the calls of, it does nothing.
BatchCleanup("leftovers", select={"owner": "acme/other/stack", "older_than": "24h"}, when="apply", triggers=["first"])

pulumi.export("active", active.batch_id)
pulumi.export("ready", ready.completed_requests)
pulumi.export("cancelled", cancelled.cancelled_sessions)
pulumi.export("deleted", deleted.deleted_sessions)

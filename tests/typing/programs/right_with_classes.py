"""Everything with the argument classes: right in the eyes of a strict type checker, and when it runs."""

import pulumi

import pulumi_anchorbrowser as ab

batch = ab.Batch(
    "crawl",
    count=pulumi.Output.from_input(3),
    configuration=ab.SessionConfigurationArgs(
        session=ab.SessionArgs(
            initial_url="https://example.com",
            tags=["pr-12", pulumi.Output.from_input("nightly")],
            recording=ab.SwitchArgs(active=False),
            proxy=ab.ProxyArgs(active=True, type="anchor_proxy", country_code="us"),
            timeout=ab.TimeoutArgs(max_duration=30, idle_timeout=-1),
            live_view=ab.LiveViewArgs(read_only=True),
        ),
        browser=ab.BrowserArgs(
            viewport=ab.ViewportArgs(width=1280, height=720),
            captcha_solver=ab.SwitchArgs(active=True),
            sensitive_data_mask=ab.SensitiveDataMaskArgs(
                active=True,
                custom_patterns=[ab.MaskPatternArgs(regex="[0-9]{4}", mask="****")],
            ),
        ),
        identities=[ab.IdentityArgs(id="964bb823-e620-4758-ac4d-f9760511f4d8")],
    ),
    metadata={"team": "research", "attempt": 2},
    status="active",
    on_destroy="delete",
    if_completed="end_sessions",
    on_missing="keep",
    opts=pulumi.ResourceOptions(protect=False),
)
ab.BatchReady("crawl-ready", batch_id=batch.batch_id, min_ready=1, timeout="5m", retry_failed=1, record_sessions=True)
ab.BatchCleanup(
    "leftovers",
    select=ab.SelectArgs(owner="acme/site/dev", statuses=["pending", "completed"], older_than="24h", tags=["pr-12"]),
    exclude=ab.ExcludeArgs(batch_ids=[batch.batch_id], tags=["keep"]),
    action="end_sessions",
    when="destroy",
    limit=5,
    triggers=[batch.claim],
    on_failure="warn",
)

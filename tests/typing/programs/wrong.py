"""One wrong thing in each statement. Above it: mypy's words for it, and what the same statement says when it runs."""

import pulumi_anchorbrowser as ab

# arg-type | status: Input should be 'active', 'cancelled' or 'deleted'; it is 'canceled'
ab.Batch("x", count=3, status="canceled")

# arg-type | on_destroy: Input should be 'delete', 'cancel' or 'end_sessions'; it is 'stop'
ab.Batch("x", count=3, on_destroy="stop")

# arg-type | if_completed: Input should be 'end_sessions', 'delete', 'accept' or 'fail'; it is 'ignore'
ab.Batch("x", count=3, if_completed="ignore")

# arg-type | on_missing: Input should be 'keep' or 'recreate'; it is 'forget'
ab.Batch("x", count=3, on_missing="forget")

# arg-type | count: Input should be a valid integer; it is '3'
ab.Batch("x", count="3")

# arg-type | batch_id: Input should be a valid string; it is 7
ab.Batch("x", batch_id=7)

# arg-type | metadata: Input should be a valid dictionary
ab.Batch("x", count=3, metadata=["research"])

# call-arg | TypeError: Batch.__init__() got an unexpected keyword argument 'on_destory'
ab.Batch("x", count=3, on_destory="cancel")

# arg-type | configuration.sesion: there is no property 'sesion'; did you mean 'session'?
ab.Batch("x", count=3, configuration={"sesion": {"tags": ["a"]}})

# arg-type | configuration.session.timeout.max_durations: there is no property 'max_durations'
ab.Batch("x", count=3, configuration={"session": {"timeout": {"max_durations": 30}}})

# arg-type | configuration.session.timeout.max_duration: Input should be a valid integer
ab.Batch("x", count=3, configuration={"session": {"timeout": {"max_duration": "30"}}})

# arg-type | configuration.session.tags: Input should be a valid list
ab.Batch("x", count=3, configuration={"session": {"tags": "pr-12"}})

# arg-type | configuration.session.proxy.type: Input should be 'anchor_proxy' or 'custom'
ab.Batch("x", count=3, configuration={"session": {"proxy": {"active": True, "type": "anchor"}}})

# arg-type | configuration.browser.headless: Input should be a valid dictionary or instance of Switch
ab.Batch("x", count=3, configuration={"browser": {"headless": True}})

# typeddict-unknown-key | configuration.sesion: there is no property 'sesion'; did you mean 'session'?
ab.Batch("x", count=3, configuration=ab.SessionConfigurationArgs(sesion={"tags": ["a"]}))

# arg-type, typeddict-item | configuration.session.timeout.max_duration: Input should be a valid integer
ab.Batch("x", count=3, configuration={"session": {"timeout": ab.TimeoutArgs(max_duration="30")}})

# arg-type, typeddict-item | configuration.session.proxy.active: Field required
ab.Batch("x", count=3, configuration={"session": {"proxy": ab.ProxyArgs(country_code="us")}})

# call-arg | TypeError: BatchReady.__init__() missing 1 required keyword-only argument: 'batch_id'
ab.BatchReady("x")

# arg-type | min_ready: Input should be a valid integer; it is 'all'
ab.BatchReady("x", batch_id="964bb823-e620-4758-ac4d-f9760511f4d8", min_ready="all")

# arg-type | timeout: must be a duration such as "10m" or "90s", or a number of seconds, and not less than 0
ab.BatchReady("x", batch_id="964bb823-e620-4758-ac4d-f9760511f4d8", timeout=["5m"])

# call-arg | TypeError: BatchCleanup.__init__() missing 1 required keyword-only argument: 'select'
ab.BatchCleanup("x")

# arg-type | select.status: there is no property 'status'; did you mean 'statuses'?
ab.BatchCleanup("x", select={"status": "completed"})

# arg-type | select.statuses.0: Input should be 'pending', 'processing', 'completed', 'failed' or 'cancelled'
ab.BatchCleanup("x", select={"statuses": ["done"]})

# arg-type | select.older_than: must be a duration such as "10m" or "90s", or a number of seconds, and not less than 0
ab.BatchCleanup("x", select={"older_than": ["24h"]})

# typeddict-unknown-key | select.tag: there is no property 'tag'; did you mean 'tags'?
ab.BatchCleanup("x", select=ab.SelectArgs(tag="pr-12"))

# arg-type | exclude.statuses: there is no property 'statuses'
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, exclude={"statuses": ["pending"]})

# arg-type | action: Input should be 'cancel', 'delete' or 'end_sessions'
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, action="remove")

# arg-type | when: Input should be 'apply', 'destroy' or 'both'
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, when="never")

# arg-type | on_failure: Input should be 'error' or 'warn'
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, on_failure="ignore")

# arg-type | limit: Input should be a valid integer
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, limit="5")

# arg-type | dry_run: Input should be a valid boolean
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, dry_run="yes")

# arg-type | RunError: teardown_hook 'x' cannot be used: action: Input should be 'cancel'
ab.teardown_hook("x", select={"tags": ["pr-12"]}, action="remove")

# typeddict-unknown-key | RunError: teardown_hook 'x' cannot be used: select.status: there is no
ab.teardown_hook("x", select={"status": "completed"})

# attr-defined | AttributeError: module 'pulumi_anchorbrowser' has no attribute 'Bach'
ab.Bach("x", count=3)

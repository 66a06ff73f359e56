"""One mistake in each statement. Above it: mypy's code for the mistake, and the message when the statement runs."""

import pulumi_anchorbrowser as ab

# call-overload | count: give either count (start a new batch) or batch_id (adopt an existing one)
ab.Batch("x")

# call-overload | batch_id: give either count or batch_id, not both
ab.Batch("x", count=3, batch_id="964bb823-e620-4758-ac4d-f9760511f4d8")

# call-overload | configuration: cannot be set on an adopted batch
ab.Batch("x", batch_id="964bb823-e620-4758-ac4d-f9760511f4d8", configuration={"session": {"tags": ["a"]}})

# call-overload | metadata: cannot be set on an adopted batch
ab.Batch("x", batch_id="964bb823-e620-4758-ac4d-f9760511f4d8", metadata={"team": "research"})

# call-overload | status: must be 'active', 'cancelled' or 'deleted' (got 'canceled')
ab.Batch("x", count=3, status="canceled")

# call-overload | on_destroy: must be 'delete', 'cancel' or 'end_sessions' (got 'stop')
ab.Batch("x", count=3, on_destroy="stop")

# call-overload | if_completed: must be 'end_sessions', 'delete', 'accept' or 'fail' (got 'ignore')
ab.Batch("x", count=3, if_completed="ignore")

# call-overload | on_missing: must be 'keep' or 'recreate' (got 'forget')
ab.Batch("x", count=3, on_missing="forget")

# call-overload | count: must be a valid integer (got '3')
ab.Batch("x", count="3")

# call-overload | batch_id: must be a valid string (got 7)
ab.Batch("x", batch_id=7)

# call-overload | metadata: must be a valid dictionary
ab.Batch("x", count=3, metadata=["research"])

# call-overload | TypeError: Batch.__init__() got an unexpected keyword argument 'on_destory'
ab.Batch("x", count=3, on_destory="cancel")

# call-overload | configuration.sesion: there is no property 'sesion'; did you mean 'session'?
ab.Batch("x", count=3, configuration={"sesion": {"tags": ["a"]}})

# call-overload | configuration.session.timeout.max_durations: there is no property 'max_durations'
ab.Batch("x", count=3, configuration={"session": {"timeout": {"max_durations": 30}}})

# call-overload | configuration.session.timeout.max_duration: must be a valid integer
ab.Batch("x", count=3, configuration={"session": {"timeout": {"max_duration": "30"}}})

# call-overload | configuration.session.tags: must be a valid list
ab.Batch("x", count=3, configuration={"session": {"tags": "pr-12"}})

# call-overload | configuration.session.proxy.type: must be 'anchor_proxy' or 'custom'
ab.Batch("x", count=3, configuration={"session": {"proxy": {"active": True, "type": "anchor"}}})

# call-overload | configuration.browser.headless: must be a valid dictionary
ab.Batch("x", count=3, configuration={"browser": {"headless": True}})

# typeddict-unknown-key | configuration.sesion: there is no property 'sesion'; did you mean 'session'?
ab.Batch("x", count=3, configuration=ab.SessionConfigurationArgs(sesion={"tags": ["a"]}))

# call-overload, typeddict-item | configuration.session.timeout.max_duration: must be a valid integer
ab.Batch("x", count=3, configuration={"session": {"timeout": ab.TimeoutArgs(max_duration="30")}})

# call-overload, typeddict-item | configuration.session.proxy.active: is required
ab.Batch("x", count=3, configuration={"session": {"proxy": ab.ProxyArgs(country_code="us")}})

# call-arg | TypeError: BatchReady.__init__() missing 1 required keyword-only argument: 'batch_id'
ab.BatchReady("x")

# arg-type | min_ready: must be a valid integer (got 'all')
ab.BatchReady("x", batch_id="964bb823-e620-4758-ac4d-f9760511f4d8", min_ready="all")

# arg-type | timeout: must be a duration such as "10m" or "90s", or a number of seconds, and not less than 0
ab.BatchReady("x", batch_id="964bb823-e620-4758-ac4d-f9760511f4d8", timeout=["5m"])

# call-arg | TypeError: BatchCleanup.__init__() missing 1 required keyword-only argument: 'select'
ab.BatchCleanup("x")

# arg-type | select.status: there is no property 'status'; did you mean 'statuses'?
ab.BatchCleanup("x", select={"status": "completed"})

# arg-type | select.statuses.0: must be 'pending', 'processing', 'completed', 'failed' or 'cancelled'
ab.BatchCleanup("x", select={"statuses": ["done"]})

# arg-type | select.older_than: must be a duration such as "10m" or "90s", or a number of seconds, and not less than 0
ab.BatchCleanup("x", select={"older_than": ["24h"]})

# typeddict-unknown-key | select.tag: there is no property 'tag'; did you mean 'tags'?
ab.BatchCleanup("x", select=ab.SelectArgs(tag="pr-12"))

# arg-type | exclude.statuses: there is no property 'statuses'
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, exclude={"statuses": ["pending"]})

# arg-type | action: must be 'cancel', 'delete' or 'end_sessions'
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, action="remove")

# arg-type | when: must be 'apply', 'destroy' or 'both'
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, when="never")

# arg-type | on_failure: must be 'error' or 'warn'
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, on_failure="ignore")

# arg-type | limit: must be a valid integer
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, limit="5")

# arg-type | dry_run: must be a valid boolean
ab.BatchCleanup("x", select={"tags": ["pr-12"]}, dry_run="yes")

# arg-type | RunError: teardown_hook 'x' cannot be used: action: must be 'cancel'
ab.teardown_hook("x", select={"tags": ["pr-12"]}, action="remove")

# typeddict-unknown-key | RunError: teardown_hook 'x' cannot be used: select.status: there is no
ab.teardown_hook("x", select={"status": "completed"})

# attr-defined | AttributeError: module 'pulumi_anchorbrowser' has no attribute 'Bach'
ab.Bach("x", count=3)

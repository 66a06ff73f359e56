"""The generated parts of the pages, by their names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import operations
import refusals
import simulator_tables
import what_changes
from resources import argument_class, configuration, fields, inputs, outputs
from settings_table import settings

from pulumi_anchorbrowser import Batch, BatchCleanup, BatchReady, ExcludeArgs, ReadySession, SelectArgs, teardown_hook
from pulumi_anchorbrowser.cleanup import DEFAULTS as CLEANUP_DEFAULTS
from pulumi_anchorbrowser.lifecycle import DEFAULTS
from pulumi_anchorbrowser.lifecycle.waiting import READY_DEFAULTS

PARTS: dict[str, Callable[[], str]] = {
    "batch-inputs": partial(inputs, Batch.__init__, DEFAULTS),
    "batch-outputs": partial(outputs, Batch),
    "batch-changes": what_changes.of_batch,
    "batch-status-changes": what_changes.of_status,
    "batch-refusals": refusals.of_batch,
    "batch-ready-inputs": partial(inputs, BatchReady.__init__, READY_DEFAULTS),
    "batch-ready-outputs": partial(outputs, BatchReady),
    "ready-session": partial(fields, ReadySession),
    "batch-ready-changes": what_changes.of_ready,
    "batch-ready-refusals": refusals.of_ready,
    "batch-cleanup-inputs": partial(inputs, BatchCleanup.__init__, CLEANUP_DEFAULTS),
    "batch-cleanup-outputs": partial(outputs, BatchCleanup),
    "batch-cleanup-changes": what_changes.of_cleanup,
    "batch-cleanup-refusals": refusals.of_cleanup,
    "select-args": partial(argument_class, SelectArgs),
    "exclude-args": partial(argument_class, ExcludeArgs),
    "teardown-hook-inputs": partial(inputs, teardown_hook, {}),
    "configuration": configuration,
    "settings": settings,
    "simulator-settings": simulator_tables.settings,
    "simulator-fault-kinds": simulator_tables.fault_kinds,
    "simulator-fault-fields": simulator_tables.fault_fields,
    "operations-create": operations.on_create,
    "operations-adopt": operations.on_adopt,
    "operations-update": operations.on_update,
    "operations-refused-cancel": operations.on_refused_cancel,
    "operations-destroy": operations.on_destroy,
    "operations-missing": operations.on_missing,
}

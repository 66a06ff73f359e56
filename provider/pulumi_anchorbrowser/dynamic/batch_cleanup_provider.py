"""The provider of `BatchCleanup`."""

from pulumi_anchorbrowser.dynamic.provider import AnchorBrowserProvider


class BatchCleanupProvider(AnchorBrowserProvider):
    """Runs cleanups. Its dotted path is in users' state: never move or rename it."""

    operations = "pulumi_anchorbrowser.dynamic.batch_cleanup_operations:BatchCleanupOperations"

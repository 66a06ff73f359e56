"""The provider of `BatchReady`."""

from pulumi_anchorbrowser.dynamic.provider import AnchorBrowserProvider


class BatchReadyProvider(AnchorBrowserProvider):
    """Waits for batches. Its dotted path is in users' state: never move or rename it."""

    operations = "pulumi_anchorbrowser.dynamic.batch_ready_operations:BatchReadyOperations"

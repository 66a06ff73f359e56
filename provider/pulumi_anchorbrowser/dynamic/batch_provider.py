"""The provider of `Batch`."""

from pulumi_anchorbrowser.dynamic.provider import AnchorBrowserProvider


class BatchProvider(AnchorBrowserProvider):
    """Creates, reads, updates and deletes batches. Its dotted path is in users' state: never move or rename it."""

    operations = "pulumi_anchorbrowser.dynamic.batch_operations:BatchOperations"

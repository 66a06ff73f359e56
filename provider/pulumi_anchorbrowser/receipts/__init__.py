"""The durable record of every mutating call: what was intended, and what the API answered."""

from pulumi_anchorbrowser.receipts.connecting import ReceiptsUnavailable
from pulumi_anchorbrowser.receipts.place import default_place
from pulumi_anchorbrowser.receipts.receipt import Counts, Operation, Outcome, Receipt, Subject
from pulumi_anchorbrowser.receipts.store import Receipts

__all__ = [
    "Counts",
    "Operation",
    "Outcome",
    "Receipt",
    "Receipts",
    "ReceiptsUnavailable",
    "Subject",
    "default_place",
]

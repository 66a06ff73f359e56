"""The record of every call that changes something: the intent before the call, the outcome after."""

from pulumi_anchorbrowser.receipts.process import is_running, new_run
from pulumi_anchorbrowser.receipts.receipt import Ending, Operation, Receipt, SessionEnding, Subject
from pulumi_anchorbrowser.receipts.store import VARIABLE, Receipts, ReceiptsUnavailable, default_place

__all__ = [
    "VARIABLE",
    "Ending",
    "Operation",
    "Receipt",
    "Receipts",
    "ReceiptsUnavailable",
    "SessionEnding",
    "Subject",
    "default_place",
    "is_running",
    "new_run",
]

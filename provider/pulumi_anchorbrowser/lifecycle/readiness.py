"""Moved to waiting.py and durations.py; goes once nothing imports it."""

from pulumi_anchorbrowser.lifecycle.durations import Duration, seconds
from pulumi_anchorbrowser.lifecycle.waiting import READY_DEFAULTS, WAITED_FOR, ReadyInputs, ready_problems

__all__ = ["READY_DEFAULTS", "WAITED_FOR", "Duration", "ReadyInputs", "ready_problems", "seconds"]

"""One interface over three stages: a scenario written once runs rehearsed, over the plugin, and on the real engine."""

from .base import Diagnostic, Stage, StageResult, Step
from .cli import NO_ENGINE, Command, engine_is_here
from .engine import EngineStage
from .native import NativeStage
from .on_rehearsal import RehearsalStage
from .standing_api import standing_api
from .waiting import wait_until

__all__ = [
    "NO_ENGINE",
    "Command",
    "Diagnostic",
    "EngineStage",
    "NativeStage",
    "RehearsalStage",
    "Stage",
    "StageResult",
    "Step",
    "engine_is_here",
    "standing_api",
    "wait_until",
]

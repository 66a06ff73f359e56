"""One interface over two stages: a scenario written once runs on the rehearsal and on the real engine."""

from .base import Diagnostic, Stage, StageResult, Step
from .cli import NO_ENGINE, Command, engine_is_here
from .engine import EngineStage
from .on_rehearsal import RehearsalStage
from .standing_api import standing_api
from .waiting import wait_until

__all__ = [
    "NO_ENGINE",
    "Command",
    "Diagnostic",
    "EngineStage",
    "RehearsalStage",
    "Stage",
    "StageResult",
    "Step",
    "engine_is_here",
    "standing_api",
    "wait_until",
]

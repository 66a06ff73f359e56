"""Where in the user's program a resource of ours stands, as the engine writes it into the state.

The SDK takes the constructor that calls `dynamic.Resource` for the user's code, so that every batch would stand in a
line of ours; and below it come some ten frames of Python's and Pulumi's own, a third of a batch's weight in the state,
which the engine writes again at every step. There is no documented way to say it better; where the SDK has changed,
it stays as it is.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from pulumi.runtime import resource as sdk

_LOGGER = logging.getLogger("pulumi_anchorbrowser")
_OURS = Path(__file__).parents[1].as_uri() + "/"


def stand_in_the_program() -> bool:
    """Let our resources stand in the line of the program that declares them; whether that is possible.

    Traces of other people's resources stay as they are. Harmless when repeated.
    """
    of_sdk = getattr(sdk, "_get_stack_trace", None)
    if of_sdk is None:
        _LOGGER.debug("the SDK keeps no stack traces, or keeps them elsewhere")
        return False
    if not isinstance(of_sdk, _StackTrace):
        sdk._get_stack_trace = _StackTrace(of_sdk)  # noqa: SLF001
    return True


class _StackTrace:
    def __init__(self, of_sdk: Any) -> None:
        self._of_sdk = of_sdk

    def __call__(self) -> Any:
        trace = self._of_sdk()
        frames = list(trace.frames)
        if not frames or not _is_ours(frames[0]):
            return trace
        while frames and _is_ours(frames[0]):
            frames.pop(0)
        # Python's machinery for running a module is of no file. What is below it is not the user's.
        nowhere = next((number for number, frame in enumerate(frames) if not frame.pc.uri), len(frames))
        del trace.frames[:]
        trace.frames.extend(frames[:nowhere])
        return trace


def _is_ours(frame: Any) -> bool:
    return str(frame.pc.uri).startswith(_OURS)

"""The AnchorBrowser API as a server on this machine, for demos, examples and tests.

Written from the API's contract alone: it shares no code with the client that it is used to judge.
"""

try:
    from pulumi_anchorbrowser.simulator.batch import SimulatedBatch
    from pulumi_anchorbrowser.simulator.faults import Fault
    from pulumi_anchorbrowser.simulator.log import LoggedRequest, most_at_once
    from pulumi_anchorbrowser.simulator.serving import serve
    from pulumi_anchorbrowser.simulator.settings import SimulatorSettings
    from pulumi_anchorbrowser.simulator.simulator import DEFAULT_KEYS, LiveSession, Simulator
except ModuleNotFoundError as error:
    _missing = str(error.name).partition(".")[0]
    if _missing not in {"fastapi", "starlette", "uvicorn"}:
        raise
    raise ModuleNotFoundError(
        f"the simulator needs the extra `simulator` ({_missing} is not installed): "
        "pip install 'pulumi-anchorbrowser[simulator]'",
        name=_missing,
    ) from None

__all__ = [
    "DEFAULT_KEYS",
    "Fault",
    "LiveSession",
    "LoggedRequest",
    "SimulatedBatch",
    "Simulator",
    "SimulatorSettings",
    "most_at_once",
    "serve",
]

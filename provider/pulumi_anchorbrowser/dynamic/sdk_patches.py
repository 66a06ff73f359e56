"""Every place where Pulumi's SDK for dynamic providers is changed or looked into, and what each buys.

Where an SDK has changed, a patch has no effect and a line of the debug log says so; nothing breaks.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from pulumi.runtime import resource as sdk_resource
from pulumi.runtime.proto import provider_pb2

from pulumi_anchorbrowser import exports
from pulumi_anchorbrowser.dynamic.errors import AnchorBrowserError
from pulumi_anchorbrowser.urns import stack_of_urn

_LOGGER = logging.getLogger("pulumi_anchorbrowser")
WORKERS = 1024
_OURS = Path(__file__).parents[1].as_uri() + "/"
# From `_request` up to the method of the SDK's servicer that serves the request.
_MOST_FRAMES = 12


# In the provider host


def urn_of_request() -> str:
    """Return the URN of the resource that the engine's current request is about; empty where it cannot be found.

    The SDK does not pass the URN on to a provider. It is in the request that the SDK's servicer has in hand, further up
    the stack of calls. As an input of each resource it would be in the state twice: a ninth of a batch's weight there.
    """
    return str(getattr(_request(), "urn", ""))


def whole_config(config: Any) -> tuple[Mapping[str, Any] | None, str]:
    """Return the stack's whole config, which is one and the same dictionary during a run, and the project's name.

    A provider is given only what returns the value of a key that it names. A misspelt key is found by its name alone.
    """
    return getattr(config, "_props", None), str(getattr(config, "_project_name", ""))


def begin_export_for_request() -> None:
    """Begin to export the state of the stack that the engine's current request is about, unless that is a read.

    The first create of a run waits for the state. Begun in `configure`, before the operations are imported, the export
    is over when these are: an `up` of 50 batches takes a tenth longer without it.
    """
    request = _request()
    if request is None or isinstance(request, provider_pb2.ReadRequest):
        return
    inputs = request.news if hasattr(request, "news") else request.properties
    if "owner" in inputs.fields:
        stack = stack_of_urn(request.urn, inputs.fields["owner"].string_value)
        if stack is not None:
            exports.begin(stack)


def _request() -> Any:
    frame = sys._getframe(1)  # noqa: SLF001  # CPython and PyPy have it
    for _ in range(_MOST_FRAMES):
        request = frame.f_locals.get("request")
        if isinstance(getattr(request, "urn", None), str):
            return request
        if frame.f_back is None:
            break
        frame = frame.f_back
    _LOGGER.debug("the SDK serves requests in another way: messages name no resource")
    return None


def report_errors_in_one_line(host: ModuleType | None = None) -> None:
    """Make the provider host report an AnchorBrowserError by its message alone.

    The host reports what a provider raises as `traceback.format_exc()`. So the name `traceback` in its main module is
    replaced by one that prints one line for an AnchorBrowserError. All other errors keep their traceback, those of
    other providers in the same host included.
    """
    host = host or sys.modules["__main__"]
    if getattr(host, "traceback", None) is traceback:
        host.traceback = _Traceback("traceback")  # type: ignore[attr-defined]


class _Traceback(ModuleType):
    def format_exc(self, *args: Any, **kwargs: Any) -> str:
        error = sys.exc_info()[1]
        if isinstance(error, AnchorBrowserError):
            return "".join(traceback.format_exception_only(type(error), error)).rstrip("\n")
        return traceback.format_exc(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)


def widen_worker_pool(workers: int = WORKERS) -> bool:
    """Let the pool whose thread this is have so many threads. Return whether that was possible.

    The host has four, whatever `--parallel` says, and every call of the engine holds one for as long as it takes, a
    wait for a batch included. Calls to the API are bounded by the client's limiter. A thread is started when a call is
    submitted, so those for the calls that are queued already are started here. With 50 batches and a latency of 0.3 s,
    an `up` takes 1.4 times as long with four threads, and a destroy three times.
    """
    try:
        pool = threading.current_thread()._args[0]()  # type: ignore[attr-defined]  # noqa: SLF001
        if not isinstance(pool, ThreadPoolExecutor):
            raise TypeError(f"a {type(pool).__name__} is no thread pool")
        if pool._max_workers < workers:  # noqa: SLF001
            pool._max_workers = workers  # noqa: SLF001
            pool._adjust_thread_count = _as_far_as_possible(pool)  # type: ignore[method-assign]  # noqa: SLF001
            for _ in range(pool._work_queue.qsize()):  # noqa: SLF001
                pool._adjust_thread_count()  # noqa: SLF001
    except (AttributeError, IndexError, TypeError) as error:
        _LOGGER.debug("the provider host keeps its few worker threads: %s", error)
        return False
    return True


def _as_far_as_possible(pool: ThreadPoolExecutor) -> Callable[[], None]:
    start = pool._adjust_thread_count  # noqa: SLF001

    def start_if_possible() -> None:
        try:
            start()
        except RuntimeError as error:
            # The call is queued by now. Raised, this would end the thread that takes calls, and the engine would wait.
            pool._max_workers = len(pool._threads)  # noqa: SLF001
            _LOGGER.debug("the provider host stays at %d worker threads: %s", pool._max_workers, error)  # noqa: SLF001

    return start_if_possible


# In the program


def report_the_programs_line() -> bool:
    """Let our resources stand in the line of the program that declares them. Return whether that was possible.

    The SDK takes the constructor that calls `dynamic.Resource` for the user's code, so every batch would stand in a
    line of ours. Below it come some ten frames of Python's and Pulumi's own. Without them the state of 50 batches is
    120 KB in place of 230, and the engine writes it again at every step. Traces of other resources stay as they are.
    """
    of_sdk = getattr(sdk_resource, "_get_stack_trace", None)
    if of_sdk is None:
        _LOGGER.debug("the SDK keeps no stack traces, or keeps them elsewhere")
        return False
    if not isinstance(of_sdk, _StackTrace):
        sdk_resource._get_stack_trace = _StackTrace(of_sdk)  # noqa: SLF001
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
        # Python's machinery for running a module has no file. What is below it is not the user's.
        nowhere = next((number for number, frame in enumerate(frames) if not frame.pc.uri), len(frames))
        del trace.frames[:]
        trace.frames.extend(frames[:nowhere])
        return trace


def _is_ours(frame: Any) -> bool:
    return str(frame.pc.uri).startswith(_OURS)

"""More worker threads for the provider host, which has four, whatever `--parallel` says.

Every call of the engine holds a thread of the host for as long as it takes, a wait for a batch included. The calls to
the API are bounded elsewhere, by the client's limiter, so the threads need not be few. There is no documented way to
widen the pool; where the SDK has changed, it stays as it is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_LOGGER = logging.getLogger("pulumi_anchorbrowser")
WORKERS = 1024


def widen_worker_pool(workers: int = WORKERS) -> bool:
    """Let the pool whose thread this is have so many threads; whether that was possible.

    A thread is started when a call is submitted, so those for the calls that are queued already are started here.
    Where the system gives no more threads, those that there are do the work.
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

    def start_or_do_with_what_there_is() -> None:
        try:
            start()
        except RuntimeError as error:
            # The call is queued by now. Raised, this would end the thread that takes calls, and the engine would wait.
            pool._max_workers = len(pool._threads)  # noqa: SLF001
            _LOGGER.debug("the provider host stays at %d worker threads: %s", pool._max_workers, error)  # noqa: SLF001

    return start_or_do_with_what_there_is

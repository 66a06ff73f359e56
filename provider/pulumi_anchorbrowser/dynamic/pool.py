"""More worker threads for the provider host, which has four, whatever `--parallel` says.

Every call of the engine holds a thread of the host for as long as it takes, a wait for a batch included. The calls to
the API are bounded elsewhere, by the client's limiter, so the threads need not be few. There is no documented way to
widen the pool; where the SDK has changed, it stays as it is.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

_LOGGER = logging.getLogger("pulumi_anchorbrowser")
WORKERS = 1024


def widen_worker_pool(workers: int = WORKERS) -> bool:
    """Let the pool whose thread this is have so many threads; whether that was possible.

    A thread is started when a call is submitted, so those for the calls that are queued already are started here.
    """
    try:
        pool = threading.current_thread()._args[0]()  # type: ignore[attr-defined]  # noqa: SLF001
        if not isinstance(pool, ThreadPoolExecutor):
            raise TypeError(f"a {type(pool).__name__} is no thread pool")
        if pool._max_workers < workers:  # noqa: SLF001
            pool._max_workers = workers  # noqa: SLF001
            for _ in range(pool._work_queue.qsize()):  # noqa: SLF001
                pool._adjust_thread_count()  # noqa: SLF001
    except (AttributeError, IndexError, TypeError) as error:
        _LOGGER.debug("the provider host keeps its few worker threads: %s", error)
        return False
    return True

"""Runs commands as processes of their own, with the imports done once: a line of JSON in, a process forked.

In: {"args": [...], "env": {...}, "cwd": path, "terminal": path or null, "files": [stdin, stdout, stderr] or null}.
Out: the process id when it has begun, then its exit code (negative: the signal that ended it), a line each.

This program has one thread, and imports neither Pulumi nor gRPC, so that a fork lacks nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import Any

import rich.console
import rich.progress
import rich.status
import rich.table
import uvicorn

import pulumi_anchorbrowser.binding.settings
import pulumi_anchorbrowser.cleanup
import pulumi_anchorbrowser.cli.app
import pulumi_anchorbrowser.receipts.report
import pulumi_anchorbrowser.simulator
from pulumi_anchorbrowser.cli import main

PRELOADED = (
    rich.console,
    rich.progress,
    rich.status,
    rich.table,
    uvicorn,
    pulumi_anchorbrowser.binding.settings,
    pulumi_anchorbrowser.cleanup,
    pulumi_anchorbrowser.cli.app,
    pulumi_anchorbrowser.receipts.report,
    pulumi_anchorbrowser.simulator,
)


def become(order: dict[str, Any]) -> None:
    """Take on the environment, the folder and the three streams of a new process."""
    os.setsid()
    # A shell starts what is in the background with SIGINT ignored, and so may whoever runs the tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if order["terminal"]:
        # The first terminal that the leader of a session opens controls it, so that Ctrl-C reaches it as a signal.
        descriptors = [os.open(order["terminal"], os.O_RDWR)] * 3
    else:
        flags = (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT | os.O_TRUNC] * 2)
        descriptors = [os.open(path, flag) for path, flag in zip(order["files"], flags, strict=True)]
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # open until the process ends
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    sys.argv = ["pulumi-anchorbrowser", *order["args"]]


def live(order: dict[str, Any]) -> int:
    """Run the command in the new process. Return its exit code."""
    become(order)
    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001  # a traceback, as an interpreter ends with
        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def serve() -> None:
    """Run one command after the other, until stdin ends."""
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(live(order))
        say(pid)
        say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def say(what: object) -> None:
    """Print a line for the one who gives the orders."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    assert not {"pulumi", "grpc"} & set(sys.modules), "a fork would have none of gRPC's threads, and all of its locks"
    say("ready")
    serve()

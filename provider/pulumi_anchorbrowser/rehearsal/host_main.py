"""The main program of a provider's process, started by a small bootstrap in place of `python -m <module>`.

Two ways to start it. `run` makes the host of this process. `serve` imports everything first and then forks a host for
each request: starting Python and importing Pulumi and the provider takes about 1.5 s, and a fork takes 0.01 s. Only the
standard library is imported here, so that a host has no module that it would not have under the engine.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import signal
import socket
import struct
import sys
import threading
import traceback
from typing import Any, NoReturn

LENGTH = struct.Struct("!I")
FILES = 3  # stdout, stderr, and one that is closed only by the end of the process

# What the providers' main programs import themselves.
_HOST_IMPORTS = ("asyncio", "concurrent.futures", "dill", "grpc", "pulumi", "pulumi.dynamic", "pulumi.runtime.proto")


def run(address: str, module: str) -> None:
    """Run a provider's main module for the engine at `address`; return when it has ended."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.loader is None or spec.origin is None:
        raise ModuleNotFoundError(module, name=module)
    _configure_at_every_run()
    if sys.path[:1] == [""]:
        sys.path[0] = os.getcwd()  # noqa: PTH109 - pathlib is not imported by a host's main program
    sys.argv = [spec.origin, address]
    # The module object stays: dill has kept it since its import, and reads pickled classes of programs into it.
    main = sys.modules["__main__"]
    for name, value in (("__spec__", spec), ("__file__", spec.origin), ("__package__", spec.parent)):
        setattr(main, name, value)
    exec(spec.loader.get_code(module), vars(main))  # type: ignore[attr-defined]  # noqa: S102 - as runpy does


def _configure_at_every_run() -> None:
    """Make the host forget its providers at each Configure, so that each run configures them as a new host would."""
    from pulumi.runtime.proto import provider_pb2_grpc

    register = provider_pb2_grpc.add_ResourceProviderServicer_to_server

    def add(servicer: Any, server: Any) -> None:
        configure = servicer.Configure

        def configured(request: Any, context: Any) -> Any:
            vars(sys.modules["__main__"]).get("_PROVIDER_CACHE", {}).clear()
            return configure(request, context)

        servicer.Configure = configured
        register(servicer, server)

    provider_pb2_grpc.add_ResourceProviderServicer_to_server = add


def serve(control_fd: int, package: str, plugin: str) -> None:
    """Fork a host for each request on the socket, until that is closed; then kill the hosts that are left.

    A request is a JSON object (`env`, `cwd`, `address`, `module`) with its length before it and three files beside it:
    stdout, stderr and one that shows the end of the process. The reply is the host's process id. What `package` has for
    programs, and `plugin`, are imported before the first request.
    """
    control = socket.socket(fileno=control_fd)
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    own_path = [entry for entry in sys.path if entry not in inherited]
    _preload(package, plugin)
    # No thread may run when a process forks, and objects that the collector leaves alone stay shared.
    gc.collect()
    gc.freeze()
    children: set[int] = set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: _reap(children))
    control.sendall(LENGTH.pack(len(os.listdir("/proc/self/task"))))  # noqa: PTH208 - pathlib is not imported here
    while (request := _receive(control)) is not None:
        control.sendall(LENGTH.pack(_fork(control, children, own_path, *request)))
    for pid in list(children):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _preload(package: str, plugin: str) -> None:
    for name in (*_HOST_IMPORTS, package, plugin):
        # What cannot be imported here is imported by the host, which reports why.
        with contextlib.suppress(Exception):
            module = importlib.import_module(name)
            for public in getattr(module, "__all__", ()) if name == package else ():
                getattr(module, public)


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    head, files, _flags, _address = socket.recv_fds(control, LENGTH.size, FILES)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = b""
    while len(body) < length:
        part = control.recv(length - len(body))
        if not part:
            return None
        body += part
    return json.loads(body), list(files)


def _fork(
    control: socket.socket, children: set[int], own_path: list[str], request: dict[str, Any], files: list[int]
) -> int:
    # A host that ends at once is reaped only after its id is among the children.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    pid = os.fork()
    if pid == 0:
        control.close()
        _become_host(request, files, own_path)
    children.add(pid)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for file in files:
        os.close(file)
    return pid


def _reap(children: set[int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            children.discard(ended)


def _become_host(request: dict[str, Any], files: list[int], own_path: list[str]) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        os.setsid()
        stdout, stderr, _life = files
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        sys.path[:] = [*own_path[:1], *given, *own_path[1:]] if own_path[:1] == [""] else [*given, *own_path]
        importlib.invalidate_caches()
        run(request["address"], request["module"])
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here, as an interpreter would end it
        traceback.print_exc()
    _end(code)


def _end(code: int) -> NoReturn:
    """End the process as an interpreter does, without taking down its modules one by one."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
        atexit._run_exitfuncs()  # noqa: SLF001
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)

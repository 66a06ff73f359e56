"""Runs a Pulumi program the way its language host does, against a monitor and an engine that are plain objects."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import pickle
import runpy
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi import runtime

Program = Callable[[], Any] | Path | str


@dataclass(frozen=True)
class Stage:
    """What a program finds around it: names, config, environment, and how many registrations run at once."""

    project: str
    stack: str
    organization: str
    config: Mapping[str, str]
    secret_keys: frozenset[str]
    env: Mapping[str, str | None]
    parallel: int
    timeout: float


def root_of(program: Program) -> Path | None:
    """The folder a program runs in: None for a callable, which runs where the caller is."""
    if callable(program):
        return None
    path = Path(program).resolve()
    return path if path.is_dir() else path.parent


def run_program(program: Program, monitor: object, engine: object, stage: Stage) -> str | None:
    """Runs the program to its end, everything it registered included; its error as the CLI would word it, or None.

    It runs in a thread and a context of its own with its own event loop, so that nothing of the SDK's state, and no
    task or thread, is left for the next run. Working directory, `sys.path` and environment are the process's, changed
    for the time of the run: one program at a time.
    """
    errors: list[str | None] = []

    def target() -> None:
        errors.append(contextvars.Context().run(_run, program, monitor, engine, stage))

    thread = threading.Thread(target=target, name="rehearsal-program", daemon=True)
    with _environment(stage.env), _folder(program), _pickler():
        thread.start()
        thread.join(stage.timeout)
    if thread.is_alive():
        return f"the program did not end within {stage.timeout:g} s"
    return errors[0] if errors else "the program's thread ended without a result"


def _run(program: Program, monitor: object, engine: object, stage: Stage) -> str | None:
    settings = runtime.Settings(
        project=stage.project,
        stack=stage.stack,
        organization=stage.organization,
        monitor=monitor,
        engine=engine,
        parallel=stage.parallel,
        dry_run=False,
        root_directory=str(root_of(program) or Path.cwd()),
    )
    runtime.configure(settings)
    runtime.set_all_config(dict(stage.config), list(stage.secret_keys))
    try:
        _in_own_loop(_entry(program), stage.parallel)
    except pulumi.RunError as error:
        return str(error)
    # A program may raise anything, SystemExit too, and all of it is its error, not ours.
    except BaseException:  # noqa: BLE001
        return "Program failed with an unhandled exception:\n" + traceback.format_exc()
    return None


def _entry(program: Program) -> Callable[[], Any]:
    if callable(program):
        return program
    path = Path(program).resolve()

    def run_file() -> None:
        runpy.run_path(str(path), run_name="__main__")

    return run_file


def _in_own_loop(entry: Callable[[], Any], parallel: int) -> None:
    loop = asyncio.new_event_loop()
    # A failed run leaves futures nobody awaited; the real language host silences them as well.
    loop.set_exception_handler(lambda *_: None)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="rehearsal-rpc"))
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(runtime.run_in_stack(entry))
    finally:
        # Registrations already under way are carried to their end: an engine would record what they did.
        loop.run_until_complete(loop.shutdown_default_executor())
        _cancel_tasks(loop)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        asyncio.set_event_loop(None)


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


@contextlib.contextmanager
def _pickler() -> Iterator[None]:
    """Puts the pickler back as it was: for every dynamic resource the SDK nests it one level deeper for good."""
    patched = pickle._Pickler  # noqa: SLF001
    before = {name: vars(patched)[name] for name in ("_batch_setitems", "save_dict")}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(patched, name, value)


@contextlib.contextmanager
def _environment(changes: Mapping[str, str | None]) -> Iterator[None]:
    before = dict(os.environ)
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _folder(program: Program) -> Iterator[None]:
    root = root_of(program)
    if root is None:
        yield
        return
    cwd, path, argv, loaded = Path.cwd(), list(sys.path), sys.argv, set(sys.modules)
    writes_none = sys.dont_write_bytecode
    os.chdir(root)
    sys.path.insert(0, str(root))
    sys.argv = [str(root)]
    # Bytecode is as old as a second: a program changed twice within one would run as it was.
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        os.chdir(cwd)
        sys.path[:], sys.argv, sys.dont_write_bytecode = path, argv, writes_none
        _forget_modules_of(root, loaded)


def _forget_modules_of(root: Path, loaded: set[str]) -> None:
    """The program's own helper modules are imported afresh by the next run, as in a new process."""
    for name in set(sys.modules) - loaded:
        top = root / name.partition(".")[0]
        if top.with_suffix(".py").exists() or (top / "__init__.py").exists():
            del sys.modules[name]

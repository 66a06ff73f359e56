"""A small dynamic provider for these tests: it keeps its things as files in a folder, and records every call."""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import grpc
import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

CALLS = "calls.jsonl"

_configured = itertools.count(1)


class ShelfProvider(ResourceProvider):
    """Things on a shelf: `size` changes in place, `kind` by replacement, and `fail` makes the named calls fail.

    A create waits until the state file shows `company` creates in flight, for 10 s at most.
    """

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        self.configured = next(_configured)
        self.owner = req.config.get("shelf:owner")
        self.token = req.config.get("shelf:token")

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        self._note("check", news)
        refused = [
            CheckFailure(name, f"{name} must be positive") for name in ("size", "weight") if news.get(name, 1) < 1
        ]
        return CheckResult({**news, "stamp": _olds.get("stamp") or uuid.uuid4().hex}, refused)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        self._note("diff", _news)
        own = ("size", "kind", "fail", "weight")
        changed = [name for name in own if _olds.get(name) != _news.get(name)]
        return DiffResult(changes=bool(changed), replaces=["kind"] if "kind" in changed else [])

    def create(self, props: dict[str, Any]) -> CreateResult:
        self._note("create", props)
        id_ = uuid.uuid4().hex
        _put(props, id_)
        _await_company(int(props.get("company", 1)))
        self._log(f"created {props['label']}")
        return CreateResult(id_, {**props, **self._outputs()})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        self._note("update", _news)
        _put(_news, _id)
        return UpdateResult({**_news, **self._outputs()})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        self._note("read", props)
        thing = Path(props["folder"]) / id_
        if not thing.exists():
            return ReadResult(None, {})
        size = int(thing.read_text())
        outs = {**props, "size": size, "owner": self.owner}
        return ReadResult(id_, outs, {**props, "size": size})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        self._note("delete", _props)
        (Path(_props["folder"]) / _id).unlink()

    def _outputs(self) -> dict[str, Any]:
        return {"owner": self.owner, "token": self.token, "pid": os.getpid(), "configured": self.configured}

    def _note(self, call: str, props: dict[str, Any]) -> None:
        there = [path.name for path in Path(props["folder"]).iterdir()]
        line = json.dumps([call, props["label"], self.owner, _state(), there]) + "\n"
        # One write, since many calls append at once.
        file = os.open(Path(props["folder"]) / CALLS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line.encode())
        os.close(file)
        if call in (props.get("fail") or []):
            raise RuntimeError(f"the shelf refused to {call} {props['label']}")

    def _log(self, message: str) -> None:
        channel = grpc.insecure_channel(sys.argv[1], options=[("grpc.enable_http_proxy", 0)])
        engine = engine_pb2_grpc.EngineStub(channel)
        for severity, ephemeral in ((engine_pb2.INFO, True), (engine_pb2.WARNING, False)):
            engine.Log(engine_pb2.LogRequest(severity=severity, message=message, urn="urn:x", ephemeral=ephemeral))
        channel.close()


class Thing(Resource):
    """One thing on the shelf; `after` gives it an input from another thing."""

    size: pulumi.Output[int]
    owner: pulumi.Output[str]
    token: pulumi.Output[str]
    secret_note: pulumi.Output[str]

    def __init__(self, label: str, folder: Path, opts: pulumi.ResourceOptions | None = None, **props: Any) -> None:
        unset = {"owner": None, "token": None, "pid": None, "configured": None}
        given = {"label": label, "folder": str(folder), "size": 1, "kind": "box", **unset, **props}
        super().__init__(ShelfProvider(), label, given, opts)


def _put(props: dict[str, Any], id_: str) -> None:
    # The host hands every number over as a float, as it does under the engine.
    (Path(props["folder"]) / id_).write_text(str(int(props["size"])))


def _state() -> Any:
    """The state as the host finds it; None where it is given none."""
    place = os.environ.get("ANCHORBROWSER_STATE_FILE")
    return None if place is None else json.loads(Path(place).read_text())


def _await_company(creates: int) -> None:
    until = time.monotonic() + 10
    while creates > 1 and len(_state()["deployment"]["pending_operations"]) < creates:
        if time.monotonic() > until:
            raise RuntimeError("no company came")
        time.sleep(0.005)


def _lines(folder: Path) -> list[Any]:
    recorded = folder / CALLS
    return [json.loads(line) for line in recorded.read_text().splitlines()] if recorded.exists() else []


def calls(folder: Path, *of: str) -> list[tuple[str, str]]:
    """The (call, label) pairs that reached the provider, in order; only those named, if any are."""
    return [(call, label) for call, label, *_ in _lines(folder) if not of or call in of]


def owners(folder: Path, call: str) -> list[str]:
    """The configured owner at each call of this kind."""
    return [owner for name, _, owner, *_ in _lines(folder) if name == call]


def states(folder: Path, call: str) -> list[Any]:
    """The state that the host found at each call of this kind: the `deployment` of an export."""
    return [state and state["deployment"] for name, _, _, state, _ in _lines(folder) if name == call]


def shelves(folder: Path, call: str) -> list[list[str]]:
    """The ids of what was on the shelf at each call of this kind, in the same order as `states`."""
    return [[name for name in there if name != CALLS] for name_, _, _, _, there in _lines(folder) if name_ == call]


def things(folder: Path) -> list[str]:
    """The ids of what is on the shelf now."""
    return sorted(path.name for path in folder.iterdir() if path.name != CALLS)

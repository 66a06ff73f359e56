"""Contender (a): a dynamic provider the way public examples are written: one class, one call in each method."""

import os
from typing import Any

import pulumi
import requests
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult


class BatchProvider(ResourceProvider):
    """Calls the API once for each operation."""

    def _url(self, id_: str = "") -> str:
        return os.environ["ANCHORBROWSER_BASE_URL"] + "/v1/batch-sessions" + (f"/{id_}" if id_ else "")

    def _headers(self) -> dict[str, str]:
        return {"anchor-api-key": os.environ["ANCHORBROWSER_API_KEY"]}

    def create(self, props: dict[str, Any]) -> CreateResult:
        """POST."""
        body = {"count": int(props["count"])}
        response = requests.post(self._url(), json=body, headers=self._headers(), timeout=60)
        response.raise_for_status()
        data = response.json()["data"]
        return CreateResult(data["batch_id"], {**props, "live_status": data["status"]})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """GET."""
        response = requests.get(self._url(id_), headers=self._headers(), timeout=60)
        response.raise_for_status()
        return ReadResult(id_, {**props, "live_status": response.json()["data"]["status"]})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Only the status can change."""
        return DiffResult(changes=olds["status"] != news["status"])

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """PATCH."""
        response = requests.patch(self._url(id_), json={"status": "cancelled"}, headers=self._headers(), timeout=60)
        response.raise_for_status()
        cancelled = response.json()["data"]["cancelled_sessions"]
        return UpdateResult({**olds, **news, "live_status": "cancelled", "cancelled_sessions": cancelled})

    def delete(self, id_: str, _props: dict[str, Any]) -> None:
        """DELETE."""
        requests.delete(self._url(id_), headers=self._headers(), timeout=60).raise_for_status()


class Batch(Resource):
    """A batch."""

    live_status: pulumi.Output[str]

    def __init__(self, name: str, count: int, status: str) -> None:
        super().__init__(BatchProvider(), name, {"count": count, "status": status, "live_status": None})


config = pulumi.Config()
for number in range(config.require_int("batches")):
    Batch(f"batch-{number}", config.require_int("sessions"), config.get("status") or "active")

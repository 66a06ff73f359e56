"""The client: one method an operation, each answering with a model or raising a typed error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
from pydantic import BaseModel, ValidationError

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.api import models
from pulumi_anchorbrowser.api.account import Account
from pulumi_anchorbrowser.api.credentials import ApiKeys
from pulumi_anchorbrowser.api.errors import UnexpectedAnswer, for_status
from pulumi_anchorbrowser.api.retry import RetryPolicy
from pulumi_anchorbrowser.api.transport import RetryingAdapter, check_base_url, open_session, transport_error

DEFAULT_BASE_URL = "https://api.anchorbrowser.io"
_BATCHES = "/v1/batch-sessions"
_Answer = TypeVar("_Answer", bound=BaseModel)


@dataclass(frozen=True)
class ClientOptions:
    """How the client behaves, in seconds. No try of a call begins later than `retry_limit` after its first."""

    connect_timeout: float = 10.0
    request_timeout: float = 60.0
    max_retries: int = 5
    retry_limit: float = 90.0
    pool_size: int = 64


class Client:
    """AnchorBrowser's batch operations over a connection pool; safe for use by many threads.

    Every method raises a subclass of `ApiError`. Ids are checked to be UUIDs before they reach a path (ValueError).
    """

    def __init__(self, base_url: str, keys: ApiKeys, options: ClientOptions | None = None) -> None:
        self._options = options or ClientOptions()
        self._keys = keys
        self.base_url = check_base_url(base_url)
        adapter = RetryingAdapter(
            retries=self._options.max_retries,
            limit_seconds=self._options.retry_limit,
            pool_size=self._options.pool_size,
        )
        self._session = open_session(self.base_url, adapter, f"pulumi-anchorbrowser/{__version__}")

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def close(self) -> None:
        """Close every pooled connection."""
        self._session.close()

    def account(self, salt: str | None = None) -> Account:
        """The account that the key in use opens, under a new random salt unless one is given."""
        return Account.of(self.base_url, self._keys.current, salt)

    def opens(self, account: Account) -> bool:
        """Whether the key in use is the one that `account` was written with."""
        return account.is_opened_by(self.base_url, self._keys.current)

    def create_batch(
        self, count: int, configuration: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> models.BatchCreated:
        """POST: start `count` (1 to 1000) browsers. Never repeated once it may have been handled."""
        body: dict[str, Any] = {"count": count, "configuration": configuration, "metadata": metadata}
        present = {name: value for name, value in body.items() if value is not None}
        # A refusal may quote what it refuses, a proxy's password included.
        hidden = _passwords(configuration)
        return self._call("create a batch", "POST", _BATCHES, models.BatchCreated, hidden=hidden, json=present)

    def get_batch(self, batch_id: str) -> models.Batch:
        """GET: the batch with all its sessions."""
        return self._call(f"read batch {batch_id}", "GET", _path(batch_id), models.Batch)

    def list_batches(
        self,
        *,
        status: str | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        page: int = 1,
        limit: int = 100,
    ) -> models.BatchPage:
        """GET: one page (at most 100 batches). Times are ISO 8601."""
        query = {
            "status": status,
            "created_after": created_after,
            "created_before": created_before,
            "page": page,
            "limit": limit,
        }
        return self._call("list batches", "GET", _BATCHES, models.BatchPage, params=query)

    def cancel_batch(self, batch_id: str) -> models.BatchCancelled:
        """PATCH `{"status": "cancelled"}`: terminate the running sessions and keep their data."""
        body = {"status": models.CANCELLED}
        return self._call(f"cancel batch {batch_id}", "PATCH", _path(batch_id), models.BatchCancelled, json=body)

    def delete_batch(self, batch_id: str) -> models.BatchDeleted:
        """DELETE: terminate the running sessions and remove all data."""
        return self._call(f"delete batch {batch_id}", "DELETE", _path(batch_id), models.BatchDeleted)

    def retry_batch(self, batch_id: str, max_retries: int = 1) -> models.BatchRetried:
        """POST retry: create the failed sessions anew, each at most `max_retries` (1 to 3) times."""
        body = {"retry_failed_only": True, "max_retries": max_retries}
        path = f"{_path(batch_id)}/retry"
        return self._call(f"retry batch {batch_id}", "POST", path, models.BatchRetried, json=body)

    def end_session(self, session_id: str) -> None:
        """DELETE one session: its browser stops, its data stays."""
        # A UUID, before all else because `/v1/sessions/all` would end every session of the team.
        self._request(
            f"end session {session_id}", "DELETE", f"/v1/sessions/{models.parse_id(session_id, of='session')}"
        )

    def session_statuses(
        self, *, batch_id: str | None = None, tags: tuple[str, ...] = (), created_from: str | None = None
    ) -> models.SessionStatuses:
        """GET: status and tags of all sessions that match; every tag must be on the session."""
        query = {"batch_id": batch_id, "tags": ",".join(tags) or None, "created_from": created_from}
        return self._call("look for sessions", "GET", "/v1/sessions/all/status", models.SessionStatuses, params=query)

    def list_sessions(self, *, batch_id: str, page: int = 1, limit: int = 50) -> models.SessionPage:
        """GET: one page (10, 20 or 50) of the sessions of a batch, ended ones included."""
        query: dict[str, Any] = {"batch_id": models.parse_id(batch_id), "page": page, "limit": limit}
        return self._call("list sessions", "GET", "/v1/sessions", models.SessionPage, params=query)

    def _call(self, operation: str, method: str, path: str, answer: type[_Answer], **options: Any) -> _Answer:
        response = self._request(operation, method, path, **options)
        lost = _lost_an_answer(response)
        try:
            return answer.model_validate({**response.json()["data"], "after_lost_answer": lost})
        except ValidationError as error:
            wrong = ", ".join(sorted({".".join(map(str, item["loc"])) or "data" for item in error.errors()}))
            explanation = f"the answer (HTTP {response.status_code}) lacks or garbles: {wrong}"
        except (ValueError, TypeError, KeyError):
            explanation = f"the answer (HTTP {response.status_code}) is not the API's JSON"
        raise UnexpectedAnswer(operation, explanation, status=response.status_code)

    def _request(
        self, operation: str, method: str, path: str, hidden: Sequence[str] = (), **options: Any
    ) -> requests.Response:
        while True:
            key = self._keys.current
            response = self._send(operation, method, path, **options)
            if response.status_code == requests.codes.unauthorized and self._keys.fall_back(key):
                continue
            if 200 <= response.status_code < 300:
                return response
            raise self._refusal(operation, response, hidden)

    def _send(self, operation: str, method: str, path: str, **options: Any) -> requests.Response:
        timeout = (self._options.connect_timeout, self._options.request_timeout)
        try:
            # A redirect would carry the key, which is not the `Authorization` that requests knows to drop, elsewhere.
            return self._session.request(
                method, self.base_url + path, auth=self._keys, timeout=timeout, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise transport_error(operation, error) from None

    def _refusal(self, operation: str, response: requests.Response, hidden: Sequence[str]) -> Exception:
        code, message = _error_of(response)
        retries = response.raw.retries
        tried = retries.tried(len(retries.history) + 1) if isinstance(retries, RetryPolicy) else ""
        if message:
            message = self._keys.redact(message)
            for secret in hidden:
                message = message.replace(secret, "[secret]")
        if response.status_code == requests.codes.not_found and code is None and message is None:
            # A gateway's 404, or that of a wrong address: not the API's word that something is gone.
            return UnexpectedAnswer(operation, "HTTP 404, and not in the API's own words", status=404)
        error = for_status(operation, response.status_code, code=code, server_message=message, tried=tried)
        error.after_lost_answer = _lost_an_answer(response)
        return error


def _passwords(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [item for name, item in value.items() if name == "password" and isinstance(item, str) and item]
        return own + [found for item in value.values() for found in _passwords(item)]
    if isinstance(value, list):
        return [found for item in value for found in _passwords(item)]
    return []


def _lost_an_answer(response: requests.Response) -> bool:
    retries = response.raw.retries
    return isinstance(retries, RetryPolicy) and retries.lost_an_answer


def _path(batch_id: str) -> str:
    return f"{_BATCHES}/{models.parse_id(batch_id)}"


def _error_of(response: requests.Response) -> tuple[int | None, str | None]:
    try:
        error = response.json()["error"]
        code, message = error.get("code"), error.get("message")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None, None
    return (code if isinstance(code, int) else None), (str(message) if message else None)

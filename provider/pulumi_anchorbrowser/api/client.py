"""The client: one method an operation, each answering with a model or raising a typed error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import requests
from pydantic import BaseModel, ValidationError

from pulumi_anchorbrowser.api import models
from pulumi_anchorbrowser.api.account import Account
from pulumi_anchorbrowser.api.configuration import passwords_in
from pulumi_anchorbrowser.api.credentials import ApiKeys
from pulumi_anchorbrowser.api.errors import ApiError, NoAnswer, UnexpectedAnswer, for_status
from pulumi_anchorbrowser.api.transport import ClientOptions, Reply, Transport
from pulumi_anchorbrowser.api.tries import numbered_tries

DEFAULT_BASE_URL = "https://api.anchorbrowser.io"
_BATCHES = "/v1/batch-sessions"
_Answer = TypeVar("_Answer", bound=BaseModel)
_Read = TypeVar("_Read")


class Client:
    """AnchorBrowser's batch operations over a connection pool; safe for use by many threads.

    Every method raises a subclass of `ApiError`. Ids are checked to be UUIDs before they reach a path (ValueError).
    """

    def __init__(
        self,
        base_url: str,
        keys: ApiKeys,
        options: ClientOptions | None = None,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`tell` is told, once, that calls have to wait because a limit of the API is reached."""
        self._keys = keys
        self._transport = Transport(base_url, keys, options or ClientOptions(), tell)
        self.base_url = self._transport.base_url
        self.max_concurrency = self._transport.max_concurrency

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def close(self) -> None:
        """Close every pooled connection."""
        self._transport.close()

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
        hidden = passwords_in(configuration)
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
        path = f"/v1/sessions/{models.parse_id(session_id, of='session')}"
        self._request(f"end session {session_id}", "DELETE", path, lambda _: None)

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
        return self._request(operation, method, path, lambda reply: _parsed(operation, answer, reply), **options)

    @numbered_tries()
    def _request(
        self,
        operation: str,
        method: str,
        path: str,
        read: Callable[[Reply], _Read],
        hidden: Sequence[str] = (),
        **options: Any,
    ) -> _Read:
        """What `read` makes of the answer. One that broke off or makes no sense is asked for again, where it may be."""
        policy = self._transport.policy()
        while True:
            try:
                reply = self._answered(operation, method, path, hidden, **options)
                return read(replace(reply, after_lost_answer=reply.after_lost_answer or policy.lost_an_answer))
            except (NoAnswer, UnexpectedAnswer) as error:  # noqa: PERF203  # each try is a call over the network
                following = policy.after_broken_answer(method) if error.is_broken else None
                if following is None:
                    raise error.with_note(policy.tried(len(policy.history) + 1)) from None
                policy = following
                policy.sleep()
            except ApiError as error:
                error.after_lost_answer |= policy.lost_an_answer
                raise

    def _answered(self, operation: str, method: str, path: str, hidden: Sequence[str], **options: Any) -> Reply:
        while True:
            key = self._keys.current
            reply = self._transport.send(operation, method, path, **options)
            status = reply.response.status_code
            if status == requests.codes.unauthorized and self._keys.fall_back(key):
                continue
            if 200 <= status < 300:
                return reply
            raise self._refusal(operation, reply, hidden)

    def _refusal(self, operation: str, reply: Reply, hidden: Sequence[str]) -> ApiError:
        status = reply.response.status_code
        code, message = _error_of(reply.response)
        if message:
            message = self._keys.redact(message)
            for secret in hidden:
                message = message.replace(secret, "[secret]")
        if status == requests.codes.not_found and code is None and message is None:
            # A gateway's 404, or that of a wrong address: not the API's word that something is gone.
            unusable = UnexpectedAnswer(operation, "HTTP 404, and not in the API's own words", status=status)
            unusable.is_broken, unusable.nothing_done = True, True
            return unusable
        error = for_status(operation, status, code=code, server_message=message, tried=reply.tried)
        error.after_lost_answer = reply.after_lost_answer
        return error


def _parsed(operation: str, answer: type[_Answer], reply: Reply) -> _Answer:
    status = reply.response.status_code
    lost = {"after_lost_answer": reply.after_lost_answer}
    try:
        return answer.model_validate({**reply.response.json()["data"], **lost})
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(map(str, item["loc"])) or "data" for item in error.errors()}))
        unusable = UnexpectedAnswer(operation, f"the answer (HTTP {status}) lacks or garbles: {wrong}", status=status)
    except (ValueError, TypeError, KeyError):
        unusable = UnexpectedAnswer(operation, f"the answer (HTTP {status}) is not the API's JSON", status=status)
        unusable.is_broken = True
    raise unusable


def _path(batch_id: str) -> str:
    return f"{_BATCHES}/{models.parse_id(batch_id)}"


def _error_of(response: requests.Response) -> tuple[int | None, str | None]:
    try:
        error = response.json()["error"]
        code, message = error.get("code"), error.get("message")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None, None
    return (code if isinstance(code, int) else None), (str(message) if message else None)

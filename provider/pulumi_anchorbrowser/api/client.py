"""The client: one method for each operation of the API."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pulumi_anchorbrowser.api import models
from pulumi_anchorbrowser.api.account import Account, ApiKeys, KeyInUse, check_base_url
from pulumi_anchorbrowser.api.configuration import secrets_in
from pulumi_anchorbrowser.api.outcome import Outcome
from pulumi_anchorbrowser.api.sending import ApiCall, ClientOptions, Garbled, Sender
from pulumi_anchorbrowser.clock import Clock, SystemClock

DEFAULT_BASE_URL = "https://api.anchorbrowser.io"
_BATCHES = "/v1/batch-sessions"
_Answer = TypeVar("_Answer", bound=BaseModel)
_Read = TypeVar("_Read")


class Client:
    """AnchorBrowser's batch operations over a connection pool; safe for use by many threads.

    What changes something returns its outcome, and never raises ApiError. What reads returns the value, or raises the
    last try's ApiError. Every method raises ValueError for an id that is not a UUID, before anything is sent, and
    Interrupted where the clock was interrupted before the first try.
    """

    def __init__(
        self,
        base_url: str,
        keys: ApiKeys,
        options: ClientOptions | None = None,
        *,
        notify: Callable[[str], object] = lambda _: None,
        clock: Clock | None = None,
    ) -> None:
        """`notify` is called, once each, when calls wait for a rate limit, and when the second key comes into use."""
        options = options or ClientOptions()
        self.base_url = check_base_url(base_url)
        self.max_concurrency = options.max_concurrency
        clock = clock or SystemClock()
        self._keys = keys
        self._key = KeyInUse(keys.configured)
        self._notify = notify
        self._sender = Sender(self.base_url, keys, options, notify, clock)
        self._second: Client | None = None
        self._opening = Lock()

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def close(self) -> None:
        """Close every pooled connection."""
        self._sender.close()

    def second_key(self) -> Client:
        """Return a client that uses the fallback key once the API refuses the configured one: always the same client.

        It shares this one's connections and limiter. Use it only where stale config is expected: to read or to delete
        a batch by its id.
        """
        with self._opening:
            if self._second is None:
                second = copy(self)
                second._key = KeyInUse(self._keys.configured, self._keys.fallback, self._notify)  # noqa: SLF001
                second._second = second  # noqa: SLF001
                self._second = second
            return self._second

    def account(self, salt: str | None = None) -> Account:
        """Return the account that this client's key opens now; with a new random salt unless one is given."""
        return Account.of(self.base_url, self._key.current, salt)

    def opens(self, account: Account) -> bool:
        """Whether this client's key is, now, the one that `account` was written with."""
        return account.is_opened_by(self.base_url, self._key.current)

    @property
    def has_gone_over(self) -> bool:
        """Whether the API has refused the first key, so that the second one is in use."""
        return self._key.has_gone_over

    def api_time(self) -> datetime | None:
        """Return the time by the API's clock, from its last response; None before any."""
        return self._sender.api_time()

    def create_batch(
        self, count: int, configuration: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> Outcome[models.BatchCreated]:
        """POST: start `count` (1 to 1000) browsers. Never repeated once it may have been handled."""
        body = {"count": count, "configuration": configuration, "metadata": metadata}
        call = ApiCall(
            "create a batch",
            "POST",
            _BATCHES,
            _reader(models.BatchCreated),
            body={name: value for name, value in body.items() if value is not None},
            # A refusal may quote what it refuses, a proxy's password included.
            hidden=tuple(secrets_in(configuration)),
        )
        return self._send(call)

    def cancel_batch(self, batch_id: str) -> Outcome[models.BatchCancelled]:
        """PATCH `{"status": "cancelled"}`: terminate the running sessions and keep their data."""
        body = {"status": models.CANCELLED}
        read = _reader(models.BatchCancelled)
        return self._send(ApiCall(f"cancel batch {batch_id}", "PATCH", _path(batch_id), read, body=body))

    def delete_batch(self, batch_id: str) -> Outcome[models.BatchDeleted]:
        """DELETE: terminate the running sessions and remove all data."""
        return self._send(ApiCall(f"delete batch {batch_id}", "DELETE", _path(batch_id), _reader(models.BatchDeleted)))

    def retry_batch(self, batch_id: str, max_retries: int = 1) -> Outcome[models.BatchRetried]:
        """POST retry: create the failed sessions anew, each at most `max_retries` (1 to 3) times."""
        body = {"retry_failed_only": True, "max_retries": max_retries}
        path = f"{_path(batch_id)}/retry"
        return self._send(ApiCall(f"retry batch {batch_id}", "POST", path, _reader(models.BatchRetried), body=body))

    def end_session(self, session_id: str) -> Outcome[None]:
        """DELETE one session: its browser stops, its data stays."""
        # A UUID, before all else because `/v1/sessions/all` would end every session of the team.
        path = f"/v1/sessions/{models.parse_id(session_id, of='session')}"
        return self._send(ApiCall(f"end session {session_id}", "DELETE", path, _nothing))

    def get_batch(self, batch_id: str) -> models.BatchDetails:
        """GET: the batch with all its sessions."""
        return self._send(
            ApiCall(f"read batch {batch_id}", "GET", _path(batch_id), _reader(models.BatchDetails))
        ).value()

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
        return self._send(ApiCall("list batches", "GET", _BATCHES, _reader(models.BatchPage), query)).value()

    def session_statuses(
        self, *, batch_id: str | None = None, tags: tuple[str, ...] = (), created_from: str | None = None
    ) -> models.SessionStatuses:
        """GET: status and tags of all sessions that match; every tag must be on the session."""
        known_id = None if batch_id is None else models.parse_id(batch_id)
        query = {"batch_id": known_id, "tags": ",".join(tags) or None, "created_from": created_from}
        path = "/v1/sessions/all/status"
        return self._send(ApiCall("look for sessions", "GET", path, _reader(models.SessionStatuses), query)).value()

    def list_sessions(self, batch_id: str, page: int = 1) -> models.SessionPage:
        """GET: one page of at most 50 sessions of the batch, ended ones included."""
        query = {"batch_id": models.parse_id(batch_id), "page": page, "limit": 50}
        return self._send(ApiCall("list sessions", "GET", "/v1/sessions", _reader(models.SessionPage), query)).value()

    def billing(self) -> models.Billing:
        """GET: the plan's credits and limits."""
        return self._send(ApiCall("read the plan's limits", "GET", "/v1/billing", _reader(models.Billing))).value()

    def _send(self, call: ApiCall[_Read]) -> Outcome[_Read]:
        return self._sender.send(call, self._key)


def _reader(answer: type[_Answer]) -> Callable[[Any], _Answer]:
    """What makes this model of a response's JSON."""

    def read(body: Any) -> _Answer:
        try:
            return answer.model_validate(body["data"])
        except ValidationError as error:
            wrong = sorted({".".join(map(str, item["loc"])) or "data" for item in error.errors()})
            raise Garbled(", ".join(wrong)) from None

    return read


def _nothing(body: Any) -> None:
    """Nothing, where the response is the API's: ending a session reports no more than that it was done."""
    if not isinstance(body, dict) or "error" in body:
        raise ValueError


def _path(batch_id: str) -> str:
    return f"{_BATCHES}/{models.parse_id(batch_id)}"

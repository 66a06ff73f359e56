"""Contender (b): a script on the vendor's official client. Run as `python -m bench.script`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import httpx
from anchorbrowser import Anchorbrowser

_PAGE = 100


class Script:
    """What somebody would write who wants many batches at once. `ids` is the file that keeps their ids."""

    def __init__(self, client: Anchorbrowser, pool: ThreadPoolExecutor, ids: Path) -> None:
        self._batches = client.batch_sessions
        self._pool = pool
        self._ids = ids

    def up(self, count: int, sessions: int) -> None:
        """Start so many batches of so many sessions."""
        self._ids.write_text(json.dumps(list(self._pool.map(self._create, [sessions] * count))), encoding="utf-8")

    def refresh(self) -> None:
        """Ask for each."""
        list(self._pool.map(self._batches.get_batch_session, self._kept()))

    def cancel(self) -> None:
        """Cancel each."""
        list(self._pool.map(self._cancel, self._kept()))

    def destroy(self) -> None:
        """Delete each."""
        list(self._pool.map(self._batches.delete_batch_session, self._kept()))

    def cleanup(self) -> None:
        """Delete whatever there is, as the list tells it."""
        list(self._pool.map(self._batches.delete_batch_session, list(self._listed())))

    def _kept(self) -> list[str]:
        kept: list[str] = json.loads(self._ids.read_text(encoding="utf-8"))
        return kept

    def _create(self, sessions: int) -> str:
        made = self._batches.create_batch_session(count=sessions, configuration={"session": {"tags": ["bench"]}}).data
        if made is None:
            raise ValueError("the answer has no data")
        return str(made.batch_id)

    def _cancel(self, batch_id: str) -> None:
        self._batches.update_batch_session(batch_id, status="cancelled")

    def _listed(self) -> Iterator[str]:
        page, has_next = 1, True
        while has_next:
            answer = self._batches.list_batch_sessions(page=page, limit=_PAGE).data
            if answer is None or answer.batches is None or answer.pagination is None:
                raise ValueError("the answer has no data")
            yield from (str(batch.batch_id) for batch in answer.batches)
            page, has_next = page + 1, bool(answer.pagination.has_next)


@click.command()
@click.argument("step", type=click.Choice(("up", "refresh", "cancel", "destroy", "cleanup")))
@click.option("--ids", type=click.Path(path_type=Path), required=True, help="The file that keeps the ids.")
@click.option("--count", type=int, default=0, help="How many batches to start.")
@click.option("--sessions", type=int, default=1, help="How many sessions each of them has.")
@click.option("--concurrency", type=int, default=64, show_default=True, help="Calls at once.")
def main(step: str, ids: Path, count: int, sessions: int, concurrency: int) -> None:
    """Do one step."""
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    http = httpx.Client(trust_env=False, limits=limits)
    key, url = os.environ["ANCHORBROWSER_API_KEY"], os.environ["ANCHORBROWSER_BASE_URL"]
    with Anchorbrowser(api_key=key, base_url=url, http_client=http) as client, ThreadPoolExecutor(concurrency) as pool:
        script = Script(client, pool, ids)
        if step == "up":
            script.up(count, sessions)
        else:
            getattr(script, step)()


if __name__ == "__main__":
    main()

"""The pages of the batch list: the first tells how many there are, and the others are asked for at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import BatchPage, Client


def volleys(client: Client, **query: Any) -> Iterator[list[BatchPage]]:
    """The pages in their order, in volleys that are asked for at once: never more than the client makes calls.

    `query` is that of `Client.list_batches`. Ends with the page that says there is no other. Raises ApiError.
    """
    page, count = 1, 1
    with ThreadPoolExecutor(client.max_concurrency, thread_name_prefix="pages") as pool:
        one = logs.keeping_about(partial(_page, client, query))
        while True:
            answers = list(pool.map(one, range(page, page + count)))
            yield answers
            pagination = answers[-1].pagination
            if not pagination.has_next:
                return
            page += count
            known = pagination.total_pages or page
            count = min(max(1, known - page + 1), client.max_concurrency)


def _page(client: Client, query: dict[str, Any], page: int) -> BatchPage:
    return client.list_batches(page=page, **query)

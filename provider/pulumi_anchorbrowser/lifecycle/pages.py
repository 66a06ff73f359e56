"""The pages of the batch list: the first tells how many there are, and the others are asked for at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.api import BatchPage, Client
from pulumi_anchorbrowser.api.models import Pagination

# Pages that are held at once: enough for 1,600 batches in two round trips, and little memory for any number.
_AT_ONCE = 16
_PAGE_SIZE = 100


def volleys(client: Client, **query: Any) -> Iterator[list[BatchPage]]:
    """The pages in their order, in volleys that are asked for at once.

    `query` is that of `Client.list_batches`. Ends with the page that says there is no other. Raises ApiError.
    """
    answers = [client.list_batches(page=1, **query)]
    page = 1
    while True:
        yield answers
        pagination = answers[-1].pagination
        if not pagination.has_next:
            return
        following = range(page + 1, page + min(pages_left(pagination, page), _AT_ONCE) + 1)
        answers = _at_once(client, following, query)
        page = following[-1]


def pages_left(pagination: Pagination, read: int) -> int:
    """How many pages there are after the first `read`; at least 1, also where the API does not say."""
    pages = pagination.total_pages
    if pages is None and pagination.total_records is not None:
        pages = -(-pagination.total_records // _PAGE_SIZE)
    return max(1, (pages or read + 1) - read)


def _at_once(client: Client, pages: range, query: dict[str, Any]) -> list[BatchPage]:
    def one(page: int) -> BatchPage:
        return client.list_batches(page=page, **query)

    try:
        with ThreadPoolExecutor(len(pages), thread_name_prefix="page") as pool:
            return list(pool.map(logs.keeping_about(one), pages))
    except RuntimeError:
        # The system gives no more threads.
        return [one(page) for page in pages]

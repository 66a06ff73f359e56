"""A 404 means "gone" only under the account that made the batch."""

from __future__ import annotations

from collections.abc import Collection

from pulumi_anchorbrowser.api import Account, Client
from pulumi_anchorbrowser.lifecycle.errors import AnotherAccount
from pulumi_anchorbrowser.lifecycle.record import BatchRecord

_CODE_SALT = "confirm-account"
_CODE_CHARACTERS = 8


class AccountCheck:
    """Tells the account of a record from the one in use. `confirmed` are the codes the user has vouched for."""

    def __init__(self, client: Client, confirmed: Collection[str] = ()) -> None:
        self._client = client
        self._confirmed = confirmed

    def must_be_ours(self, record: BatchRecord) -> None:
        """Raise AnotherAccount where the batch was made under another key or address that nobody vouched for."""
        if not self.is_ours(record.account):
            made_at = Account.parse(record.account).base_url
            raise AnotherAccount(record.known_id, made_at, self._client.base_url, self._code())

    def is_ours(self, account: str) -> bool:
        """Whether the account in use is this one, or one that the user vouched for."""
        return self._client.opens(Account.parse(account)) or self._code() in self._confirmed

    def renewed(self, record: BatchRecord) -> BatchRecord:
        """The record after the API has answered for its batch under the account in use: this one knows it as well."""
        if self._client.opens(Account.parse(record.account)):
            return record
        return record.but(account=str(self._client.account()))

    def _code(self) -> str:
        # Bound to the key in use: left behind in an environment, it vouches for no other key.
        return self._client.account(salt=_CODE_SALT).fingerprint[:_CODE_CHARACTERS]

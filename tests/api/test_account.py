"""The account that a batch was created with is recognised again, and shows no key."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_anchorbrowser.api import Account, ApiKeys, Client

URLS = st.sampled_from(["https://api.anchorbrowser.io", "http://127.0.0.1:8080", "https://h/p#odd"])
KEYS = st.text(min_size=6, max_size=60)


@settings(max_examples=50, deadline=None)
@given(url=URLS, key=KEYS)
def test_an_account_is_read_back_as_it_was_written(url: str, key: str) -> None:
    account = Account.of(url, key)
    assert Account.parse(str(account)) == account


@settings(max_examples=50, deadline=None)
@given(url=URLS, key=KEYS.filter(lambda key: key not in "Account(base_url='', salt='', fingerprint='')"))
def test_no_account_holds_its_key(url: str, key: str) -> None:
    account = Account.of(url, key)
    assert key not in str(account).removeprefix(url)
    assert key not in repr(account).replace(url, "")


@settings(max_examples=50, deadline=None)
@given(url=URLS, key=KEYS, other=KEYS)
def test_an_account_is_opened_by_its_own_key_alone(url: str, key: str, other: str) -> None:
    account = Account.of(url, key)
    assert account.is_opened_by(url, key)
    assert account.is_opened_by(url, other) is (key == other)
    assert not account.is_opened_by(url + "/elsewhere", key)


def test_each_account_has_a_salt_of_its_own_so_that_fingerprints_cannot_be_compared() -> None:
    first, second = Account.of("https://h", "key"), Account.of("https://h", "key")
    assert first.salt != second.salt
    assert first.fingerprint != second.fingerprint
    assert Account.of("https://h", "key", first.salt) == first


@pytest.mark.parametrize("text", ["", "https://h", "https://h#", "https://h#salt", "#salt:print", "https://h#:print"])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an account"):
        Account.parse(text)


def test_a_client_knows_the_accounts_its_key_opens() -> None:
    client = Client("https://h/", ApiKeys("key-1"))
    assert client.opens(Account.of("https://h", "key-1"))
    assert not client.opens(Account.of("https://h", "key-2"))
    assert client.opens(client.account())

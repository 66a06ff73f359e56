"""What a configuration may hold."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pulumi_anchorbrowser.api import SessionConfiguration


def test_a_session_may_pay_by_x402() -> None:
    given = {"session": {"x402": True}}
    assert SessionConfiguration.model_validate(given).model_dump(exclude_none=True) == given
    with pytest.raises(ValidationError):
        SessionConfiguration.model_validate({"session": {"x402": {"active": True}}})

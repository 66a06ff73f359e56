"""Where the provider gets its settings: the stack's config, else the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pulumi_anchorbrowser.dynamic.speech import expected_failures_in_one_line
from pulumi_anchorbrowser.lifecycle import settings

if TYPE_CHECKING:
    from typing_extensions import Self


class Settings(settings.Settings):
    """The settings of one provider host."""

    @classmethod
    def read(cls, config: Callable[[str], Any], environ: Mapping[str, str] = os.environ) -> Self:
        """The settings from stack config such as `anchorbrowser:baseUrl`, else from ANCHORBROWSER_BASE_URL and so on.

        Raises AnchorBrowserError, in one line, for a value that cannot be used.
        """
        with expected_failures_in_one_line():
            return super().read(config, environ)

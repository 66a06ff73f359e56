"""AnchorBrowser batch sessions as Pulumi resources: nothing left running, nothing left uncounted.

Pulumi is imported with the first resource or argument class, so that what needs neither begins at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from pulumi_anchorbrowser._version import __version__

if TYPE_CHECKING:
    from pulumi_anchorbrowser.choices import IfCompleted, OnDestroy, OnMissing, Status
    from pulumi_anchorbrowser.dynamic.arguments import (
        BrowserArgs,
        ExcludeArgs,
        IdentityArgs,
        IntegrationArgs,
        LiveViewArgs,
        MaskPatternArgs,
        ProfileArgs,
        ProxyArgs,
        ReadySession,
        SelectArgs,
        SensitiveDataMaskArgs,
        SessionArgs,
        SessionConfigurationArgs,
        SwitchArgs,
        TimeoutArgs,
        TracingArgs,
        ViewportArgs,
    )
    from pulumi_anchorbrowser.dynamic.resources import Batch, BatchCleanup, BatchReady
    from pulumi_anchorbrowser.dynamic.teardown_hook import teardown_hook


__all__ = [
    "Batch",
    "BatchCleanup",
    "BatchReady",
    "BrowserArgs",
    "ExcludeArgs",
    "IdentityArgs",
    "IfCompleted",
    "IntegrationArgs",
    "LiveViewArgs",
    "MaskPatternArgs",
    "OnDestroy",
    "OnMissing",
    "ProfileArgs",
    "ProxyArgs",
    "ReadySession",
    "SelectArgs",
    "SensitiveDataMaskArgs",
    "SessionArgs",
    "SessionConfigurationArgs",
    "Status",
    "SwitchArgs",
    "TimeoutArgs",
    "TracingArgs",
    "ViewportArgs",
    "__version__",
    "teardown_hook",
]

# Where `__getattr__` looks for those names.
_HOMES = ("choices", "dynamic.arguments", "dynamic.resources", "dynamic.teardown_hook")


# Hidden from type checkers: to them it would make every misspelt name an Any.
if not TYPE_CHECKING:

    def __getattr__(name):
        """Return a public name from the module that has it, at the first use (PEP 562)."""
        if name in __all__:
            for home in _HOMES:
                module = import_module(f"{__name__}.{home}")
                if hasattr(module, name):
                    return globals().setdefault(name, getattr(module, name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        """Return what is loaded, and every public name."""
        return sorted({*globals(), *__all__})

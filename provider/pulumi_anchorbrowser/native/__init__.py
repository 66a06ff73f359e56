"""`Batch`, `BatchReady` and `BatchCleanup` over the native plugin, for Python programs that want what it adds.

The arguments and outputs are those of the classes of the same names in `pulumi_anchorbrowser`. Explicit providers, and
so two accounts in one program, are a `Provider`. The program needs the plugin, see docs/native.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_anchorbrowser.native.resources import Batch, BatchCleanup, BatchReady, Provider

__all__ = ["Batch", "BatchCleanup", "BatchReady", "Provider"]


# The plugin's own process imports other modules of this room, and none of these. Hidden from type checkers: to them it
# would make every misspelt name an Any.
if not TYPE_CHECKING:

    def __getattr__(name):
        """Return a public name at its first use (PEP 562)."""
        if name in __all__:
            return globals().setdefault(name, getattr(import_module(f"{__name__}.resources"), name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        """Return what is loaded, and every public name."""
        return sorted({*globals(), *__all__})

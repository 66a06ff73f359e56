"""The pages' own code, run as it stands there."""

from __future__ import annotations

import sys
from pathlib import Path

# What the tests of the examples share.
sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

"""Fails where CHANGELOG.md has no section for the package's version."""

import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
version_file = (root / "provider" / "pulumi_anchorbrowser" / "_version.py").read_text(encoding="utf-8")
version = version_file.split('"')[1]
if not re.search(rf"^## \[{re.escape(version)}\]", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE):
    sys.exit(f"CHANGELOG.md has no section for version {version}: add '## [{version}] - unreleased'")

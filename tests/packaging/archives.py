"""The archives of a release, built from the working tree as `make dist` builds them, without the network."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "pulumi_anchorbrowser"


@dataclass(frozen=True)
class Archives:
    """A source archive, and the wheel that was built from it."""

    sdist: Path
    wheel: Path

    @property
    def in_sdist(self) -> set[str]:
        """The files of the source archive, without its own folder."""
        with tarfile.open(self.sdist) as archive:
            return {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}

    @property
    def in_wheel(self) -> set[str]:
        """The files of the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    @property
    def metadata(self) -> Message:
        """What the wheel says of itself."""
        with zipfile.ZipFile(self.wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return message_from_bytes(archive.read(name))


def build(folder: Path, *flags: str) -> None:
    """Builds into the folder: the source archive and from it the wheel, unless flags say otherwise."""
    command = [sys.executable, "-m", "build", "--no-isolation", *flags, "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def only(folder: Path, pattern: str) -> Path:
    """The one file of the pattern."""
    (found,) = folder.glob(pattern)
    return found


def archives(folder: Path) -> Archives:
    """Both archives, built anew."""
    build(folder)
    return Archives(only(folder, "*.tar.gz"), only(folder, "*.whl"))

"""The archives for `pulumi plugin install`: complete, the same for all platforms, and the same bytes each time."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

from archives import ROOT

from pulumi_anchorbrowser import __version__


def pack(wheel: Path, target: Path) -> list[Path]:
    """The archives, as `make dist` packs them."""
    command = [sys.executable, str(ROOT / ".ci" / "plugin.py"), str(wheel), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return sorted(Path(line) for line in done.stdout.splitlines())


def test_there_is_an_archive_for_each_platform_under_the_name_that_pulumi_asks_for(wheel: Path, tmp_path: Path) -> None:
    platforms = ["darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64"]
    names = [f"pulumi-resource-anchorbrowser-v{__version__}-{platform}.tar.gz" for platform in platforms]
    assert [path.name for path in pack(wheel, tmp_path)] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_an_archive_has_the_folder_and_the_wheel_as_its_requirement(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(pack(wheel, tmp_path)[0]) as archive:
        found = {name: archive.extractfile(name) for name in archive.getnames()}
        content = {name: file.read() for name, file in found.items() if file is not None}
    folder = ROOT / "provider" / "plugin"
    assert content == {
        "PulumiPlugin.yaml": (folder / "PulumiPlugin.yaml").read_bytes(),
        "__main__.py": (folder / "__main__.py").read_bytes(),
        "requirements.txt": f"./{wheel.name}\n".encode(),
        wheel.name: wheel.read_bytes(),
    }


def test_all_archives_have_the_same_bytes_each_time(wheel: Path, tmp_path: Path) -> None:
    packed = [*pack(wheel, tmp_path / "first"), *pack(wheel, tmp_path / "second")]
    assert len(packed) == 8
    assert len({path.read_bytes() for path in packed}) == 1

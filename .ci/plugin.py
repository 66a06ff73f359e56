"""Packs the native plugin for `pulumi plugin install` and for programs that name its folder.

    .venv/bin/python .ci/plugin.py dist/pulumi_anchorbrowser-0.1.0-py3-none-any.whl build/plugin

Each archive has the folder `provider/plugin` with the wheel beside it, and the wheel as its only requirement; Pulumi
installs the rest from a package index. All platforms get the same bytes, under the names that Pulumi asks for.
"""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "provider" / "plugin"
PLATFORMS = ("linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64")


def main(wheel: Path, target: Path) -> None:
    """Write an archive for each platform into the target folder."""
    version = wheel.name.split("-")[1]
    content = _archive(wheel)
    target.mkdir(parents=True, exist_ok=True)
    for platform in PLATFORMS:
        place = target / f"pulumi-resource-anchorbrowser-v{version}-{platform}.tar.gz"
        place.write_bytes(content)
        sys.stdout.write(f"{place}\n")


def _archive(wheel: Path) -> bytes:
    files = {name: (FOLDER / name).read_bytes() for name in ("PulumiPlugin.yaml", "__main__.py")}
    files["requirements.txt"] = f"./{wheel.name}\n".encode()
    files[wheel.name] = wheel.read_bytes()
    packed = io.BytesIO()
    # No time and no owner: the same commit gives the same bytes anywhere.
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

"""What the Pulumi language host asks pip at every command, answered in a tenth of the time; pip itself does the rest.

The engine's host asks for the version and for the list of packages. Starting pip for both takes as long as all the rest
of a command, and a test gives several commands.
"""

import json
import runpy
import sys
from importlib.metadata import distributions, version
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]


def installed() -> list[dict[str, str]]:
    """Return what `pip list --format json` prints."""
    found = {one.name.lower().replace("_", "-"): one for one in reversed(list(distributions()))}
    return [{"name": one.name, "version": one.version} for _, one in sorted(found.items())]


def main() -> None:
    """Answer, or become pip."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"pip {version('pip')} from {FOLDER} (python {sys.version_info[0]}.{sys.version_info[1]})\n")
    elif sys.argv[1:] == ["list", "--format", "json"]:
        sys.stdout.write(json.dumps(installed()))
    else:
        sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != FOLDER]
        for name in [name for name in sys.modules if name.partition(".")[0] == "pip"]:
            del sys.modules[name]
        runpy.run_module("pip", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

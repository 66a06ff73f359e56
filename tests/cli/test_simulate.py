"""`pulumi-anchorbrowser simulate`: one line when it serves, and a clean end."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli.driving import MAIN, CommandLine, ended, start
from stages import wait_until

SECONDS = 60


@contextmanager
def simulating(cli: CommandLine, *arguments: str, end_with: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """Run a simulator, which has to end cleanly. Yield the line that it printed when it was ready."""
    files = [cli.folder / name for name in ("stdin", "stdout", "stderr")]
    for file in files:
        file.write_text("", encoding="utf-8")
    pid = cli.order(["simulate", *arguments], files=[str(file) for file in files], terminal=None)
    wait_until(lambda: "\n" in files[1].read_text(encoding="utf-8"), "the simulator prints its address", SECONDS)
    line = files[1].read_text(encoding="utf-8")
    yield line.rstrip("\n")
    os.kill(pid, end_with)
    assert cli.end(lambda: printed(files[1:])) == 0
    assert printed(files[1:]) == line


def printed(files: list[Path]) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in files)


def url_of(line: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line
    return found[0]


def call(http: httpx.Client, method: str, url: str, key: str = "simulated-key", **how: Any) -> httpx.Response:
    return http.request(method, url, headers={"anchor-api-key": key}, timeout=SECONDS, **how)


def post(http: httpx.Client, line: str, key: str = "simulated-key", count: int = 3) -> httpx.Response:
    return call(http, "POST", f"{url_of(line)}/v1/batch-sessions", key, json={"count": count})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_simulator_prints_one_line_serves_and_ends_cleanly(
    cli: CommandLine, http: httpx.Client, number: signal.Signals
) -> None:
    with simulating(cli, end_with=number) as line:
        assert re.fullmatch(r"Serving http://127\.0\.0\.1:\d+ \(API key simulated-key\)", line)
        assert post(http, line).status_code == 200


def test_a_simulator_listens_on_the_port_that_is_given(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with simulating(cli, "--port", str(port)) as line:
        assert url_of(line).endswith(f":{port}")


def test_a_port_that_is_taken_is_one_line_on_stderr(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cli.run("simulate", "--port", str(port))
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"Error: Could not listen on port {port}: Address already in use. "
        "Choose another --port, or leave it out for a free one.\n"
    )


def test_a_given_key_is_accepted_alone_and_not_shown(cli: CommandLine, http: httpx.Client) -> None:
    with simulating(cli, "--key", "my-own-key") as line:
        assert "my-own-key" not in line
        assert post(http, line, "my-own-key").status_code == 200
        assert post(http, line, "simulated-key").status_code == 401


def test_the_options_set_how_the_api_behaves(cli: CommandLine, http: httpx.Client) -> None:
    with simulating(cli, "--credits", "5", "--failing-sessions", "2") as line:
        batch = post(http, line, count=4).json()["data"]["batch_id"]
        assert post(http, line, count=4).status_code == 402
        data = call(http, "GET", f"{url_of(line)}/v1/batch-sessions/{batch}").json()["data"]
        assert data["failed_requests"] == 2


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_a_missing_simulator_extra_is_one_line_that_names_it(package: str) -> None:
    done = ended(start(["simulate"], os.environ, f"import sys; sys.modules['{package}'] = None; {MAIN}"))
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"Error: the simulator needs the extra `simulator` ({package} is not installed): "
        "pip install 'pulumi-anchorbrowser[simulator]'\n"
    )

"""`pulumi-anchorbrowser simulate`, as a process."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

COMMAND = [sys.executable, "-c", "from pulumi_anchorbrowser.cli import main; main()"]
SECONDS = 60


def run(*arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `without` is a package that is not installed."""
    absent = f"import sys; sys.modules['{without}'] = None; " if without else ""
    command = [*COMMAND[:2], absent + COMMAND[2], *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)


@contextmanager
def simulating(*arguments: str, end_with: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """The line a simulator printed when it was ready. It then has to end cleanly."""
    process = subprocess.Popen([*COMMAND, "simulate", *arguments], stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().rstrip("\n")
        process.send_signal(end_with)
        rest = process.communicate(timeout=SECONDS)
        assert (process.returncode, *rest) == (0, "", "")
    finally:
        process.kill()
        process.wait()


def url_of(line: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line
    return found[0]


def post(line: str, key: str = "simulated-key", count: int = 3) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        url = f"{url_of(line)}/v1/batch-sessions"
        return session.post(url, json={"count": count}, headers={"anchor-api-key": key}, timeout=SECONDS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_line_serves_and_ends_cleanly(number: signal.Signals) -> None:
    with simulating(end_with=number) as line:
        assert re.fullmatch(r"Serving http://127\.0\.0\.1:\d+ \(API key simulated-key\)", line)
        assert post(line).status_code == 200


def test_it_listens_on_the_port_it_is_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with simulating("--port", str(port)) as line:
        assert url_of(line).endswith(f":{port}")


def test_a_port_that_is_taken_is_one_line_on_stderr() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("simulate", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: cannot listen on port {port} (Address already in use): "
        "choose another --port, or leave it out for a free one\n"
    )


def test_a_key_of_ones_own_is_accepted_alone_and_not_shown() -> None:
    with simulating("--key", "my-own-key") as line:
        assert "my-own-key" not in line
        assert post(line, "my-own-key").status_code == 200
        assert post(line, "simulated-key").status_code == 401


def test_the_options_set_how_the_api_behaves() -> None:
    with simulating("--credits", "5", "--failing-sessions", "2") as line:
        batch = post(line, count=4).json()["data"]["batch_id"]
        assert post(line, count=4).status_code == 402
        with requests.Session() as session:
            session.trust_env = False
            url = f"{url_of(line)}/v1/batch-sessions/{batch}"
            data = session.get(url, headers={"anchor-api-key": "simulated-key"}, timeout=SECONDS).json()["data"]
        assert data["failed_requests"] == 2


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_a_missing_simulator_extra_is_one_line_that_names_it(package: str) -> None:
    done = run("simulate", without=package)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: the simulator needs the extra `simulator` ({package} is not installed): "
        "pip install 'pulumi-anchorbrowser[simulator]'\n"
    )

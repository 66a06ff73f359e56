"""A PostgreSQL server of the tests' own, from the system's packages: started in a temporary folder, and stopped."""

from __future__ import annotations

import base64
import getpass
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NO_SERVER = "no PostgreSQL server (initdb, pg_ctl, psql) on PATH or in /usr/lib/postgresql"
USER, PASSWORD = "pulumi", "password-of-the-database"
LOCKS = "/.pulumi/locks/"
_BINARIES = ("initdb", "pg_ctl", "psql")
_QUICK = "-c fsync=off -c synchronous_commit=off"
_ROOT = 0
# Becomes another user, then the program. `subprocess` would fork for that, and gRPC's threads do not survive a fork.
_AS_USER = """
import os, pwd, sys
user = pwd.getpwnam(sys.argv[1])
os.setgroups([])
os.setgid(user.pw_gid)
os.setuid(user.pw_uid)
os.execv(sys.argv[2], sys.argv[2:])
"""


def binaries() -> Path | None:
    """The folder with the server's programs: that of the PATH, else the newest of the system's packages."""
    on_path = shutil.which("initdb")
    # What is on the PATH may be a link, and the server looks for its other files beside itself.
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    return next((folder for folder in found if all((folder / name).exists() for name in _BINARIES)), None)


@dataclass(frozen=True)
class Database:
    """A database of a running server."""

    server: PostgresServer
    name: str

    @property
    def url(self) -> str:
        """The address as `pulumi login` takes it."""
        return f"postgres://{USER}:{PASSWORD}@127.0.0.1:{self.server.port}/{self.name}?sslmode=disable"

    @property
    def bare_url(self) -> str:
        """The address without a user and a password: PGUSER and PGPASSWORD have those."""
        return self.url.replace(f"{USER}:{PASSWORD}@", "")

    def keys(self, part: str = "") -> list[str]:
        """Return the names under which Pulumi keeps something, those with this in them."""
        return [key for key in self._query("SELECT key FROM pulumi_state ORDER BY key").splitlines() if part in key]

    def content(self) -> bytes:
        """Return everything that Pulumi has written, as it was before it was wrapped for the table."""
        rows = self._query("SELECT data FROM pulumi_state").splitlines()
        return b"\n".join(base64.b64decode(json.loads(row)["data"]) for row in rows)

    def _query(self, sql: str) -> str:
        """Return what the server answers, read without Pulumi."""
        return self.server.query(self.name, sql)


class PostgresServer:
    """A running server, reached over loopback with a password. `close` leaves nothing of it."""

    def __init__(self, programs: Path) -> None:
        self._programs, self._made = programs, 0
        # Not under pytest's folder: that is root's alone where root runs the tests, and the server runs as another.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._data, user = self._folder / "data", _unprivileged_user()
        self._as_user = [sys.executable, "-c", _AS_USER, user] if os.geteuid() == _ROOT else []
        self.port = _free_port()
        password = self._folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        for path in (self._folder, password):
            shutil.chown(path, user)
        try:
            self._run("initdb", "-D", self._data, "-U", USER, "-A", "scram-sha-256", "--pwfile", password)
            options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder} {_QUICK}"
            self._run("pg_ctl", "-D", self._data, "-l", self._folder / "log", "-o", options, "-w", "start")
        except BaseException:
            shutil.rmtree(self._folder)
            raise

    def database(self) -> Database:
        """Make another empty database."""
        self._made += 1
        name = f"team_{self._made}"
        self.query("postgres", f"CREATE DATABASE {name}")
        return Database(self, name)

    def query(self, database: str, sql: str) -> str:
        """Return what the server answers."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", database]
        return self._run("psql", *where, "-At", "-c", sql, env={"PGPASSWORD": PASSWORD})

    def close(self) -> None:
        """Ends the server and removes its folder."""
        try:
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")
        finally:
            shutil.rmtree(self._folder)

    def _run(self, name: str, *args: str | Path, env: Mapping[str, str] | None = None) -> str:
        command = [*self._as_user, str(self._programs / name), *map(str, args)]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        done = subprocess.run(
            command,
            cwd=self._folder,
            env={**kept, "LC_ALL": "C", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{name} failed:\n{done.stdout}"
        return done.stdout


def _unprivileged_user() -> str:
    """Ourselves; where we are root, whom the server refuses, the user that the packages make for it, or nobody."""
    if os.geteuid() != _ROOT:
        return getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0

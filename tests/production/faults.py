"""Measure what is lost and doubled when processes die, the broker goes, or a mail server hangs.

    python -m tests.production.faults kills --reminders 100000 --kills 1000
    python -m tests.production.faults broker
    python -m tests.production.faults mail --seconds 3600

Each starts real PostgreSQL (`--database sqlite`: a file), Valkey, workers and beats, and an SMTP sink and an
HTTP receiver that stand outside, and prints its figures. Exit 1 says that something was lost or doubled.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests import servers
from tests.production.demo import ask
from tests.production.running import MANAGE, environment, free_port, started

CELERY = (sys.executable, "-m", "celery", "--quiet", "--app", "tests.production.faulty")
CLAIM_SECONDS = 5
EMPTY: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder / 'dayzero.sqlite3'}",
    "postgres": lambda folder: servers.start_postgres(folder / "postgres"),
}
WORKERS = {
    "worker-sweep": ("worker", "--pool=solo", "-Q", "sweep,judge,long"),
    "worker-1": ("worker", "--pool=solo", "-Q", "deliver"),
    "worker-2": ("worker", "--pool=solo", "-Q", "deliver"),
    "beat-1": ("beat",),
    "beat-2": ("beat",),
}


@dataclass
class Figures:
    """What is counted at the end."""

    reminders: int = 0
    lost: int = 0
    doubled: int = 0
    doubled_outside: int = 0
    repeated: int = 0
    unsaid: int = 0
    kills: int = 0
    seconds: float = 0.0
    latest: dict[str, float] = field(default_factory=dict)

    @property
    def fine(self) -> bool:
        """Whether nothing was lost, and nothing doubled in the ledger or at who drops repeated keys."""
        return not self.lost and not self.doubled and not self.doubled_outside and not self.unsaid

    def __str__(self) -> str:
        late = ", ".join(f"{name} at most {gap:.1f} s apart" for name, gap in self.latest.items())
        return (
            f"{self.reminders} reminders by two ways, {self.kills} kills, {self.seconds:.0f} s:"
            f" {self.lost} lost, {self.doubled} doubled in the ledger,"
            f" {self.doubled_outside} at a receiver that drops repeated keys,"
            f" {self.repeated} repeated with the same key, {self.unsaid} not said yet"
            f"{'; ' + late if late else ''}"
        )


@dataclass
class World:
    """A database with a crowd in it, the servers outside, and the processes of an installation."""

    url: str
    folder: Path
    reminders: int
    given: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start one process, in place of one that was killed."""
        schedule = (
            ("--schedule", str(self.folder / f"{name}.schedule"))
            if name.startswith("beat")
            else (f"--hostname={name}@test",)
        )
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*CELERY, *WORKERS[name], *schedule], env=environment(**self.given), stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        """Kill one process as a machine that loses its power does."""
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    def stop(self) -> None:
        """End all processes of this world."""
        for process in self.running.values():
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()

    def count(self, condition: str, table: str = "schedules_reminder") -> int:
        """How many rows of a table there are so."""
        return int(str(ask(self.url, f"SELECT count(*) FROM {table} WHERE {condition}")[0][0]))

    def done(self) -> bool:
        """Whether everything is written and said."""
        return (
            self.count("kind = 'closing'") >= self.reminders
            and not self.count("sent_at IS NULL AND kind = 'closing'")
            and not self.count("sent_at IS NULL", "schedules_reminderdelivery")
        )

    def keys(self, way: str) -> Counter[str]:
        """How often each key came in outside, by `mail` or `post`."""
        lines = (self.folder / f"{way}.jsonl").read_text(encoding="utf-8").splitlines()
        said = [json.loads(line) for line in lines]
        return Counter(
            one["key"] if way == "mail" else one["headers"]["webhook-id"] for one in said if "hung" not in one
        )

    def figures(self, began: float, kills: int = 0) -> Figures:
        """Count what came of it all."""
        found = Figures(reminders=self.reminders, kills=kills, seconds=time.monotonic() - began)
        found.doubled = max(0, self.count("kind = 'closing'") - self.reminders)
        found.unsaid = max(0, self.reminders - self.count("kind = 'closing' AND sent_at IS NOT NULL"))
        for way, channel in (("mail", "= 'email'"), ("post", "<> 'email'")):
            came = self.keys(way)
            sent = f"channel {channel} AND sent_at IS NOT NULL"
            rows = ask(self.url, f"SELECT message FROM schedules_reminderdelivery WHERE {sent}")
            ledger = Counter(str(row[0]) for row in rows)
            found.lost += len(set(ledger) - set(came))
            found.doubled += sum(ledger.values()) - len(ledger)
            theirs = f"SELECT message FROM schedules_reminderdelivery WHERE channel {channel}"
            found.doubled_outside += len(set(came) - {str(row[0]) for row in ask(self.url, theirs)})
            found.repeated += came.total() - len(came)
        return found


@contextmanager
def a_world(database: str, reminders: int, *, hang: bool = False, **more: str) -> Iterator[World]:
    """Make everything, and end it with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        broker = stack.enter_context(servers.valkey())
        url = EMPTY[database](folder)
        ports = {}
        for kind, name in (("smtp", "mail"), ("http", "post")):
            ports[kind] = str(free_port())
            (folder / f"{name}.jsonl").touch()
            outside = (
                sys.executable,
                "-m",
                "tests.receivers",
                kind,
                ports[kind],
                str(folder / f"{name}.jsonl"),
            )
            rest = ("hang",) if hang and kind == "smtp" else ()
            stack.enter_context(started(*outside, *rest, log=folder / f"{name}.log"))
        given = {
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DATABASE_URL": url,
            "REDIS_URL": broker,
            "EMAIL_URL": f"smtp://127.0.0.1:{ports['smtp']}",
            "EMAIL_TIMEOUT": "5",
            "OUTBOUND_NETWORKS": "127.0.0.0/8",
            "REMINDER_CLAIM_SECONDS": str(CLAIM_SECONDS),
            **({"DAYZERO_PLANT": plant} if (plant := os.environ.get("DAYZERO_PLANT", "")) else {}),
            **more,
        }
        prepare(given, *MANAGE, "migrate", "-v0")
        crowd = (
            sys.executable,
            "-m",
            "tests.production.crowd",
            str(reminders),
            f"http://127.0.0.1:{ports['http']}/ok",
        )
        prepare(given, *crowd)
        world = World(url, folder, reminders, given)
        stack.callback(world.stop)
        for name in WORKERS:
            world.start(name)
        yield world


def prepare(given: dict[str, str], *command: str) -> None:
    """Run a program that may take long; it must end well."""
    subprocess.run(command, env=environment(**given), check=True, timeout=1800)


def until(true: Callable[[], bool], patience: float) -> bool:
    """Wait until something is so, looking twice a second."""
    ends = time.monotonic() + patience
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(0.5)
    return True


def kills(database: str, reminders: int, number: int, seed: int = 17) -> Figures:
    """Kill workers and beats at random moments while they work, and count at the end."""
    chance, began = random.Random(seed), time.monotonic()
    with a_world(database, reminders) as world:
        until(lambda: world.count("kind = 'closing'") > 0, 120)
        for _ in range(number):
            time.sleep(chance.uniform(0.2, 2.5))
            name = chance.choice(list(WORKERS))
            world.kill(name)
            world.start(name)
        until(world.done, 300 + reminders)
        return world.figures(began, number)


def broker(database: str, reminders: int) -> Figures:
    """Flush the broker, stop it hard, and start it again, while reminders leave."""
    import redis

    began = time.monotonic()
    with a_world(database, reminders) as world:
        until(lambda: world.count("sent_at IS NOT NULL") > 0, 120)
        client = redis.Redis.from_url(world.given["REDIS_URL"])
        for _ in range(5):
            client.flushall()
            time.sleep(1)
        client.config_set("maxclients", 1)  # nobody new is let in: as if it were away
        with suppress(redis.RedisError):
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        time.sleep(5)
        client.config_set("maxclients", 1000)
        until(world.done, 300 + reminders)
        return world.figures(began)


def mail(database: str, reminders: int, seconds: int) -> Figures:
    """Let the mail server hang on every second connection, and see how far apart the sweeps are."""
    began = time.monotonic()
    with a_world(database, reminders, hang=True) as world:
        until(lambda: world.count("sent_at IS NOT NULL", "schedules_reminderdelivery") > 0, 120)
        latest: dict[str, float] = {}
        last: dict[str, tuple[str, float]] = {}
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for task, at in ask(world.url, "SELECT task, started_at FROM trials_taskrun"):
                name, moment, now = str(task).rpartition(".")[2], str(at), time.monotonic()
                if name not in {"sweep", "judge", "seal"}:
                    continue
                if name in last and last[name][0] != moment:
                    latest[name] = max(latest.get(name, 0.0), now - last[name][1])
                if name not in last or last[name][0] != moment:
                    last[name] = (moment, now)
            time.sleep(0.2)
        found = world.figures(began)
        found.unsaid = 0  # half of the mail is meant to wait
        found.latest = latest
        return found


def main() -> int:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.production.faults", description=__doc__)
    parser.add_argument("what", choices=["kills", "broker", "mail"])
    parser.add_argument("--database", default="postgres", choices=list(EMPTY))
    parser.add_argument("--reminders", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    if asked.what == "kills":
        found = kills(asked.database, asked.reminders, asked.kills)
    elif asked.what == "broker":
        found = broker(asked.database, asked.reminders)
    else:
        found = mail(asked.database, asked.reminders, asked.seconds)
    print(f"{asked.what} on {asked.database}: {found}")
    return 0 if found.fine else 1


if __name__ == "__main__":
    sys.exit(main())

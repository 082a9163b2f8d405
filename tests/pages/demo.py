"""The demo in a folder of its own, served for a browser; nothing of the developer's own data is touched."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
SECRET = "made up for pictures of the demo, and for nothing else at all"


@contextmanager
def served_demo(folder: Path) -> Iterator[str]:
    """Load the demo into a folder and serve it while the block lasts; the address of the server.

    Django is set up in this process on the same database, so that pages and people can be asked for.
    """
    os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'demo.sqlite3'}"
    os.environ["DEBUG"] = "false"
    os.environ["SECRET_KEY"] = SECRET  # else each process has one of its own, and no session holds
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
    for command in (["migrate", "--verbosity", "0"], ["load_demo"], ["sweep"]):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
    import django

    django.setup()
    port = _free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"),
            *("--threads", "4", "--log-level", "error"),
        ],
        cwd=ROOT,
    )
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)


def session_of(name: str) -> str:
    """The key of a session of somebody of the demo who has just shown who they are."""
    from django.test import Client

    from tests.cast import show_who_one_is
    from trials.models import User

    client = Client()
    client.force_login(User.objects.get(username=name))
    show_who_one_is(client)
    return client.cookies["sessionid"].value


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError("the demo's server did not start")

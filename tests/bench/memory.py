"""What processes of Dayzero hold in memory: `python -m tests.bench.memory`.

PSS of Linux: what a process has for itself, and its share of what several have. What only development
installs is out of reach, as it is where Dayzero runs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.production.running import ROOT, environment, free_port

NOT_INSTALLED = ("jinja2", "pygments")
"""Django and REST framework import these where they find them; only requirements-dev.txt brings them."""
WITHOUT = f"import sys; sys.modules.update(dict.fromkeys({NOT_INSTALLED!r}))"
SETTINGS = {"DJANGO_SETTINGS_MODULE": "config.settings.development", "DEBUG": "false"}


def main() -> None:
    """Print what each process holds."""
    bare = run("import django; django.setup()")
    print(f"  after django.setup()            {bare:>8.1f} MB")
    pages = run("import django; django.setup(); import config.urls")
    print(f"  with the pages and the API      {pages:>8.1f} MB")
    tasks = "import django; django.setup(); import config.celery as c; c.app.loader.import_default_modules()"
    print(f"  with the tasks of a worker      {run(tasks):>8.1f} MB")
    for number, held in enumerate(web_workers(), start=1):
        print(f"  web worker {number} of 2, preloaded    {held:>8.1f} MB")


def run(code: str) -> float:
    """What a process holds after some code."""
    code = f"{WITHOUT}; {code}; from tests.bench.memory import own; print(own())"
    command, given = [sys.executable, "-c", code], environment(**SETTINGS)
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def own(pid: int | str = "self") -> float:
    """The proportional set size of a process, in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def web_workers() -> list[float]:
    """What two web workers hold after some pages."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        given = environment(**SETTINGS, DATABASE_URL=f"sqlite:///{folder}/d.sqlite3")
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=given, check=True)
        command = [
            sys.executable,
            "-c",
            f"{WITHOUT}; from gunicorn.app.wsgiapp import run; run()",
            "config.wsgi",
            "--preload",
            "--workers",
            "2",
            "--threads",
            "4",
        ]
        with subprocess.Popen(
            [*command, "--threads", "4", "--bind", f"127.0.0.1:{port}"], cwd=ROOT, env=given
        ) as server:
            try:
                for _ in range(60):
                    asked(port)
                children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
                return [own(int(child)) for child in children]
            finally:
                server.terminate()


def asked(port: int) -> None:
    """Ask for a page, and wait for a server that is not there yet."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/login/", timeout=30).read()
    except OSError:
        time.sleep(0.5)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()

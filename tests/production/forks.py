"""Start workers and beats as forks of one process that has loaded everything: a start costs no two seconds.

A program: `python -m tests.production.forks`. For each line of JSON that it reads, `{"words": …, "log": …}`,
it forks a process that runs celery with these words, and writes its number. Such a process has connections
and clocks of its own; `kill -9` ends it as any other.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from typing import NoReturn


def load() -> None:
    """Import what every worker and beat needs; open nothing."""
    import django

    django.setup()
    import kombu.transport.redis  # noqa: F401

    from tests.production.faulty import app

    app.loader.import_default_modules()


def become(words: list[str], log: str) -> NoReturn:
    """Run celery in this process, which was just forked."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpgrp()
    random.seed()
    nothing = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for target, source in ((0, nothing), (1, out), (2, out)):
        os.dup2(source, target)
    sys.argv = ["celery", *words]
    from celery.bin.celery import main

    try:
        sys.exit(main())
    finally:
        os._exit(1)  # never back into the loop of the parent


def serve() -> None:
    """Fork for each line until the input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them
    load()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        number = os.fork()
        if not number:
            become(asked["words"], asked["log"])
        print(number, flush=True)


if __name__ == "__main__":
    serve()

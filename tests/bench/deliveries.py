"""What a delivery costs: reminders said by e-mail and by a signed POST, to receivers of their own process.

Run for PostgreSQL in a process of its own: `python -m tests.bench.deliveries`; `--reminders 2000` so many.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from schedules.models import ReminderDelivery  # noqa: E402
from schedules.services.reminders import addressing, by_channel, ledger, sweeping  # noqa: E402
from tests.production import crowd  # noqa: E402
from tests.production.running import free_port, started  # noqa: E402
from trials.audit.acts import caused_by  # noqa: E402
from trials.models import Channel  # noqa: E402

FEW = 400


def main() -> None:
    """Print the measures."""
    number = int(sys.argv[sys.argv.index("--reminders") + 1]) if "--reminders" in sys.argv else FEW
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with tempfile.TemporaryDirectory() as folder, _outside(Path(folder)) as (mail, post):
            settings.EMAIL_BACKEND = "trials.bounded_mail.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", mail, 5
            settings.REMINDERS_LEAVE = settings.OUTBOUND = True
            settings.OUTBOUND_NETWORKS = ["127.0.0.0/8"]
            with caused_by("test"):
                crowd.make(number, f"http://127.0.0.1:{post}/ok")
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
            _measure("written", lambda: sweeping.sweep_reminders(now=timezone.now()))
            _measure("addressed", _address)
            _measure("said by e-mail", _ring_mail)
            _measure("said by signed POST, in one ring", _ring_post)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def _address() -> int:
    now, found = timezone.now(), 0
    while some := len(addressing.address_reminders(now=now)):
        found += some
    return found


def _ring_mail() -> int:
    while ledger.ring_reminders():
        pass
    return ReminderDelivery.objects.filter(channel="email", sent_at__isnull=False).count()


def _ring_post() -> int:
    by_channel.ring_channel(Channel.objects.get())
    return ReminderDelivery.objects.exclude(channel="email").filter(sent_at__isnull=False).count()


def _measure(what: str, do: Callable[[], int]) -> None:
    statements = 0

    def count(execute: Callable[..., Any], *given: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*given)

    wall, cpu = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(count):
        number = do()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{number} {what}: {number / wall:.0f} a second, {number / cpu:.0f} a second of this process's CPU,"
        f" {statements / number:.1f} statements each",
        flush=True,
    )


@contextmanager
def _outside(folder: Path) -> Iterator[tuple[int, int]]:
    ports = free_port(), free_port()
    with ExitStack() as stack:
        for kind, port in zip(("smtp", "http"), ports, strict=True):
            words = (sys.executable, "-m", "tests.receivers", kind, str(port), str(folder / kind))
            stack.enter_context(started(*words, log=folder / f"{kind}.log"))
        time.sleep(2)
        yield ports


if __name__ == "__main__":
    main()

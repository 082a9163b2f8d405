"""Today with 500 visits to book against Today with 50 (prototypes' SPEC, section 3)."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

import time_machine  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from schedules.domain.plan.values import AnchorDay, AnchorKind  # noqa: E402
from schedules.services.enrolment.bulk import bulk_enrol  # noqa: E402
from tests.bench.measuring import Comparison, medians  # noqa: E402
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment  # noqa: E402
from trials.models import Role, User  # noqa: E402
from trials.services.accounts.memberships import grant_membership  # noqa: E402
from trials.services.sites.working_days import record_working_days  # noqa: E402

FEW, MANY, AIM, ROUNDS = 50, 500, 1.5, 9
SINCE = timedelta(days=14)


def main() -> None:
    """Print how much longer the page takes with ten times the rows, and how many statements it asks."""
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with time_machine.travel(NOW, tick=True):
            readers = {count: _reader(count) for count in (FEW, MANY)}
            for client in readers.values():
                client.get("/")
            taken = medians({str(count): _ask(client) for count, client in readers.items()}, ROUNDS)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    print(
        Comparison(f"Today with {MANY} to book against {FEW}", taken[str(MANY)], taken[str(FEW)], AIM),
        flush=True,
    )


def _ask(client: Client) -> Callable[[], object]:
    def ask() -> object:
        answer = client.get("/")
        assert answer.status_code == 200
        return answer

    return ask


def _reader(count: int) -> Client:
    """A coordinator of a site with so many visits to book: day 14 of everybody is open today."""
    site, version = a_site(f"S{count}"), a_version("NCT07274059")
    record_working_days(site=site, by=None, first_year=TODAY.year - 1, last_year=TODAY.year + 3)
    infused = AnchorDay(TODAY - SINCE, AnchorKind.ACTUAL)
    asked = [
        an_enrolment(version, site=site, subject_code=f"S{count}-{number:03}", anchors={"infusion": infused})
        for number in range(count)
    ]
    bulk_enrol(enrolments=asked, by=None)
    user = User.objects.create_user(f"coordinator-{count}")
    grant_membership(user=user, role=Role.COORDINATOR, site=site, starts_on=TODAY, by=None)
    client = Client()
    client.force_login(user)
    return client


if __name__ == "__main__":
    main()

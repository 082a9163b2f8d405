"""Writes the lists of sites as files, so that cron prints them every morning."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation

from schedules.selectors.paper.lists import ListKind, PaperList, paper_list
from schedules.selectors.reminders.notices import languages_of
from schedules.services.paper.rendering import PdfUnavailable, paper_page, paper_pdf
from trials.models import Site, User
from trials.models.access import LANGUAGES
from trials.selectors.accounts.accounts import open_account
from trials.selectors.records import sites_visible_to
from trials.spoken import say
from trials.zones import roles_day

OWNER_ONLY = 0o600


class Command(BaseCommand):
    """`manage.py print_lists --as USERNAME --to FOLDER [--site CODE ...] [--list week|day] [--html]`."""

    help = (
        "Write the week's and the day's list of each site as PDF, with what the account may see: for the "
        "wall, and for when the system is down."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as", dest="username", required=True, help="the account whose sites these are")
        parser.add_argument("--to", type=Path, required=True, help="the folder that the files go to")
        parser.add_argument("--site", action="append", default=[], help="the code of a site; all of them")
        parser.add_argument("--list", choices=list(map(str, ListKind)), help="one of the two; both")
        parser.add_argument("--day", type=date.fromisoformat, help="the day; today at each site")
        parser.add_argument("--language", choices=[code for code, _name in LANGUAGES])
        parser.add_argument("--html", action="store_true", help="pages to print in place of PDF files")

    def handle(self, *args: Any, **options: Any) -> None:
        user, instant = _account(options["username"]), timezone.now()
        options["language"] = options["language"] or languages_of([user.pk]).get(user.pk) or "en"
        sites = _sites(user, options["site"])
        folder: Path = options["to"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{folder} cannot be made: {error.strerror}") from error
        kinds = [ListKind(options["list"])] if options["list"] else list(ListKind)
        failed = []
        for site in sites:
            for kind in kinds:
                with translation.override(options["language"]):
                    found = paper_list(user, instant, site, kind, options["day"], say)
                try:
                    self.stdout.write(str(_written(found, folder, options["language"], html=options["html"])))
                except (OSError, PdfUnavailable) as error:  # one list that fails does not keep the others
                    failed.append(f"{site.code} {kind}: {error}")
        if failed:
            raise CommandError("\n".join(failed))


def _account(name: str) -> User:
    found = open_account(name)
    if found is None:
        raise CommandError(f"{name} is no open account: give the user name of somebody who sees the site")
    return found


def _sites(user: User, codes: list[str]) -> list[Site]:
    seen = {site.code: site for site in sites_visible_to(user, roles_day(timezone.now()))}
    unknown = sorted(set(codes) - set(seen))
    if unknown:
        raise CommandError(
            f"{', '.join(unknown)}: {user.username} sees no such site; possible: {', '.join(seen)}"
        )
    return [seen[code] for code in codes] if codes else list(seen.values())


def _written(found: PaperList, folder: Path, language: str, *, html: bool) -> Path:
    """Write a list where nobody else reads it: first beside its place, so that no half of it is printed."""
    context = {"list": found, "alone": True}
    made = (
        paper_page("list.html", context, language).encode()
        if html
        else paper_pdf("list.html", context, language)
    )
    ending = "html" if html else "pdf"
    path = folder / f"{found.site.code}-{found.kind}-{found.first.isoformat()}.{ending}"
    beside = path.with_suffix(f".{ending}.new")
    beside.unlink(missing_ok=True)
    beside.touch(OWNER_ONLY, exist_ok=False)
    beside.write_bytes(made)
    beside.replace(path)
    return path

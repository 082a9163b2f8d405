"""Cards and lists on paper: what they say, what a change does to a card, and where no PDF can be made."""

from __future__ import annotations

import builtins
import importlib
import os
import re
import stat
import zlib
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import translation

from schedules.models import Visit, VisitCardGiven
from schedules.selectors.paper.cards import MOST
from schedules.services.paper import rendering
from schedules.web.shared.wording import paper_days_words
from tests.integration.web.conftest import SHANGHAI, TODAY, Enrol, count_queries
from trials.models import Resource, Site

DAY = timedelta(days=1)


@pytest.fixture
def booked(site: Site, enrolled: Enrol) -> Visit:
    """A visit that is booked for Wednesday, half past nine, in a room."""
    Site.objects.filter(pk=site.pk).update(night_phone="0515 5550 1234", name_zh="武汉协和医院")
    person = enrolled("S01-001", infusion=TODAY - 28 * DAY, given=True)
    visit = Visit.objects.get(participant=person, code="d28")
    room = Resource.objects.create(site=site, kind="room", name="Room 12")
    day = TODAY + 2 * DAY
    start = datetime.combine(day, time(9, 30), SHANGHAI)
    Visit.objects.filter(pk=visit.pk).update(booked_on=day, booked_start=start, booked_resource=room)
    visit.refresh_from_db()
    return visit


@pytest.fixture
def pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that can make a PDF in any language; where Pango is missing the test says so loudly.

    The font is taken for granted: without one Chinese is boxes, and that is a test of its own.
    """
    monkeypatch.setattr(rendering, "has_font", lambda _language: True)
    try:
        importlib.import_module("weasyprint")
    except OSError:
        wanted = "NOT TESTED: PDF files, since Pango is missing (apt-get install libpangoft2-1.0-0)"
        pytest.fail(wanted) if os.environ.get("CI") == "true" else pytest.skip(wanted)


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def pages_of(pdf: bytes) -> int:
    """How many pages a PDF has; its objects lie in compressed streams."""
    found = 0
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with suppress(zlib.error):
            found += len(re.findall(rb"/Type ?/Page\b", zlib.decompress(stream)))
    return found


@pytest.fixture
def no_pango(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which WeasyPrint finds no Pango."""
    really = builtins.__import__

    def refuse(name: str, *args: Any, **more: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'")
        return really(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_a_card_says_which_card_it_replaces_once_a_visit_moved(
    page: Client, booked: Visit, pdf: None
) -> None:
    address = f"/participants/{booked.participant_id}/card/"
    assert "No card is on record" in text(page, address)
    given = page.post(address, {"language": "zh-hans"})
    assert given["Content-Type"] == "application/pdf"
    assert given.content.startswith(b"%PDF-")
    assert VisitCardGiven.objects.get().language == "zh-hans"
    assert "still holds" in text(page, address)

    VisitCardGiven.objects.update(given_on=TODAY - 3 * DAY)
    later = booked.booked_start + DAY if booked.booked_start else None
    Visit.objects.filter(pk=booked.pk).update(booked_on=TODAY + 3 * DAY, booked_start=later)
    shown = text(page, f"{address}?language=en")
    assert "no longer holds" in shown
    assert "This card replaces the card of Fri 20 Nov 2026." in shown
    assert "本卡替代2026年11月20日（周五）的访视卡" in text(page, f"{address}?language=zh-hans")


def test_a_card_printed_twice_on_a_day_is_one_record(page: Client, booked: Visit) -> None:
    address = f"/participants/{booked.participant_id}/card/"
    for _ in range(2):
        page.post(address, {"language": "en"})
    assert VisitCardGiven.objects.count() == 1


def test_without_pango_the_card_is_a_page_to_print_with_a_word(
    page: Client, booked: Visit, no_pango: None
) -> None:
    address = f"/participants/{booked.participant_id}/card/"
    assert "Pango is missing. Print the page from the browser." in text(page, f"{address}?pdf=1")
    printed = page.post(address, {"language": "en"})
    assert printed["Content-Type"].startswith("text/html")
    assert "0515 5550 1234" in printed.content.decode()
    assert VisitCardGiven.objects.count() == 1, "it was handed out all the same"
    assert "Pango is missing" in text(page, f"/sites/{booked.participant.site_id}/paper/week/?pdf=1")


def test_without_a_chinese_font_no_pdf_full_of_boxes_is_made(
    page: Client, booked: Visit, pdf: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "has_font", lambda language: not language.startswith("zh"))
    address = f"/participants/{booked.participant_id}/card/"
    assert "no font for Chinese" in text(page, f"{address}?pdf=1&language=zh-hans")
    assert page.get(f"{address}?pdf=1&language=en")["Content-Type"] == "application/pdf"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_card_of_many_visits_is_one_side_of_a5(
    page: Client, site: Site, enrolled: Enrol, pdf: None, language: str
) -> None:
    """Its numbers stood on a second page, and a row was cut between its visit and its day."""
    bring = "All medicines in their boxes, the temperature diary and this card."
    phones = {"night_phone": "000 5550 1234", "day_phone": "000 5550 1200"}
    Site.objects.filter(pk=site.pk).update(
        bring=bring, bring_zh="正在使用的药物、体温记录本和本卡。", **phones
    )
    person = enrolled("S01-001", infusion=TODAY + 10 * DAY)
    address = f"/participants/{person.pk}/card/?language={language}"
    shown = text(page, address)
    assert shown.count('<th scope="row">') == MOST
    assert pages_of(page.get(f"{address}&pdf=1").content) == 1


def test_days_on_paper_say_a_year_once() -> None:
    monday, new_year = date(2026, 11, 23), date(2027, 1, 1)
    assert paper_days_words(monday, monday + 6 * DAY) == "Mon 23 Nov – Sun 29 Nov 2026"
    assert paper_days_words(monday, new_year) == "Mon 23 Nov 2026 – Fri 1 Jan 2027"
    with translation.override("zh-hans"):
        assert paper_days_words(monday, monday + 6 * DAY) == "2026年11月23日（周一）至11月29日（周日）"
        assert paper_days_words(monday, new_year) == "2026年11月23日（周一）至2027年1月1日（周五）"


def test_a_window_that_closes_after_the_week_is_on_its_list(page: Client, site: Site, booked: Visit) -> None:
    """Its last clinic days are in the week that hangs on the wall: on Monday it is too late to book."""
    Visit.objects.filter(pk=booked.pk).update(
        booked_on=None, booked_start=None, booked_resource=None, closes=TODAY + 7 * DAY
    )
    assert "until Mon 30 Nov 2026" in text(page, f"/sites/{site.pk}/paper/week/")


def test_the_weeks_list_has_who_comes_by_day_and_the_windows_that_close(
    page: Client, site: Site, booked: Visit, pdf: None
) -> None:
    shown = text(page, f"/sites/{site.pk}/paper/week/")
    assert "Week 48" in shown
    assert "Mon 23 Nov 2026" in shown
    row = shown[shown.index("Wed 25 Nov 2026") : shown.index("Thu 26 Nov 2026")]
    for words in ("09:30", "S01-001", "D28", "Room 12"):
        assert words in row
    assert "Mon 30 Nov 2026" in text(page, f"/sites/{site.pk}/paper/week/?day=2026-11-30")
    made = page.get(f"/sites/{site.pk}/paper/week/?pdf=1")
    assert made.content.startswith(b"%PDF-")
    assert "WH-week-2026-11-23.pdf" in made["Content-Disposition"]


def test_the_days_list_is_in_chinese_with_the_hospitals_chinese_name(
    page: Client, site: Site, booked: Visit
) -> None:
    shown = text(page, f"/sites/{site.pk}/paper/day/?language=zh-hans&day=2026-11-25")
    assert "2026年11月25日（周三）" in shown
    assert "武汉协和医院" in shown
    assert "0515 5550 1234" in shown
    assert "Hospital WH" not in shown


@pytest.mark.parametrize("query", ["?day=soon", "?language=de", "?day=9999-12-31", "?day=0001-01-01"])
def test_a_list_of_no_day_is_refused(page: Client, site: Site, query: str) -> None:
    assert page.get(f"/sites/{site.pk}/paper/week/{query}").status_code in (400, 404)


def test_a_list_of_no_kind_or_of_a_site_out_of_sight_does_not_exist(page: Client, other_site: Site) -> None:
    assert page.get(f"/sites/{other_site.pk}/paper/week/").status_code == 404
    assert page.get(f"/sites/{other_site.pk}/paper/year/").status_code == 404


def test_the_queries_of_a_list_do_not_grow_with_who_comes(
    page: Client, site: Site, booked: Visit, enrolled: Enrol
) -> None:
    address = f"/sites/{site.pk}/paper/week/"
    text(page, address)
    few = count_queries(lambda: text(page, address))
    for number in range(4):
        enrolled(f"S01-01{number}", infusion=TODAY - 28 * DAY, given=True)
    Visit.objects.filter(code="d28").update(booked_on=TODAY + DAY)
    assert count_queries(lambda: text(page, address)) == few


def test_cron_writes_the_lists_that_an_account_sees(
    site: Site, other_site: Site, coordinator: Any, booked: Visit, pdf: None, tmp_path: Path
) -> None:
    call_command("print_lists", "--as", "coordinator", "--to", str(tmp_path), "--html")
    files = {file.name: file for file in tmp_path.iterdir()}
    assert set(files) == {"WH-week-2026-11-23.html", "WH-day-2026-11-23.html"}
    assert stat.S_IMODE(files["WH-day-2026-11-23.html"].stat().st_mode) == 0o600
    assert "S01-001" in files["WH-day-2026-11-23.html"].read_text(encoding="utf-8")
    call_command("print_lists", "--as", "coordinator", "--to", str(tmp_path), "--list", "week")
    assert (tmp_path / "WH-week-2026-11-23.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("asked", "words"),
    [(["--as", "nobody"], "nobody is no open account"), (["--as", "coordinator", "--site", "CD"], "CD")],
)
def test_the_command_refuses_who_and_what_it_does_not_know(
    site: Site, other_site: Site, coordinator: Any, tmp_path: Path, asked: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("print_lists", *asked, "--to", str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_participant_who_may_not_be_recorded_gets_no_card_on_record(booked: Visit, site: Site) -> None:
    from tests.integration.web.conftest import with_role
    from trials.models import Role

    client = Client()
    client.force_login(with_role("monitor", Role.MONITOR, site))
    address = f"/participants/{booked.participant_id}/card/"
    assert client.get(address).status_code == 200
    assert client.post(address, {"language": "en"}).status_code == 403
    assert not VisitCardGiven.objects.exists()

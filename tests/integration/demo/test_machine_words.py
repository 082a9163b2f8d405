"""No page of the demo says a word of the machine to any of its readers, nor English where Chinese is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from schedules.services.demo.loading import ACCOUNTS, NAMES, load_demo
from schedules.services.exchange.demo import connect_demo_edc
from tests.cast import show_who_one_is
from tests.pages.addresses import pages
from trials.models import User

TODAY, NOW = date(2026, 11, 21), datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
MACHINE = re.compile(
    r"""\bNaN\b | \bundefined\b | [\[{]['"] | %\( | \{[{%] | \d{4}-\d\d-\d\dT\d
    | \b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}- | \b(?!dzc_)[a-z]+(?:_[a-z0-9]+)+\b
    | \b[a-z]+(?:-[a-z0-9]+)+\b""",
    re.VERBOSE,
)
ENGLISH = re.compile(r"(?:\b[A-Za-z][a-z'’]*[,.]? +){2,}[A-Za-z][a-z]+")
"""Three words in a row: names of trials, sites and software are shorter or have digits."""
# English has hyphens of its own; an account is called as it was named; addresses of robots are quoted, and so
# are the command that an administrator has to type and the identifier of a client (dzc_...).
WORDS = frozenset({
    *("half-life", "half-lives", "follow-up", "colony-stimulating", "high-dose", "stem-cell", "ultra-fast"),
    *("gene-modified", "sign-in", "sign-ins", "e-mail", "e-mails", "make-up", "read-only", "two-factor"),
    *("edc-training", "cgi-bin", "access_token", "open-apis", "protocol-format", "self-cleaning", "re-plan"),
    *("separate_roles", "dose-limiting"),
})  # fmt: skip
# A source is cited as it is titled, a reason stands as entered, a card is in the participant's language.
QUOTED = (
    *NAMES.values(),
    *("Public registry record", "made up for the demo", "Made up, to look at", "medicines in their boxes"),
    "Extra clinic of the demo",
)
COUNTRIES = re.compile(r"[A-Z]{2} · [A-Za-z -]+")
"""A country by its code; its name is that of the package of holidays, which has it in English alone."""
TO_THE_LETTER = frozenset({"trail", "trail-record"})
"""The trail shows what was recorded to the letter, codes too; the sentences among it are said in words."""
UNSEEN = frozenset({"script", "style", "svg", "template"})
SAID = frozenset({"title", "placeholder", "aria-label", "alt"})


class _Visible(HTMLParser):
    """The texts of a page that somebody sees or is read to."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in UNSEEN
        self.texts += [value for name, value in attrs if name in SAID and value]

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in UNSEEN

    def handle_data(self, data: str) -> None:
        if not self._unseen and data.strip():
            self.texts.append(" ".join(data.split()))


def faults_of(name: str, html: str, *, chinese: bool) -> Iterator[str]:
    """What of a page is a machine's word, or English where Chinese is read."""
    page = _Visible()
    page.feed(html)
    for text in page.texts:
        if name in TO_THE_LETTER:
            if '{"told"' in text:
                yield text
            continue
        yield from (found[0] for found in MACHINE.finditer(text) if found[0] not in WORDS)
        if chinese:  # in English it is a word
            yield from re.findall(r"\bNone\b(?! of)", text)
        if chinese and not COUNTRIES.fullmatch(text):
            quoted = re.compile("|".join(map(re.escape, QUOTED)))
            yield from (found[0] for found in ENGLISH.finditer(quoted.sub("、", text)))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("who", "language"),
    [
        pytest.param(
            who,
            language,
            marks=() if (who, language) == ("coordinator", "zh-hans") else pytest.mark.long,
        )
        for who in ACCOUNTS
        for language in ("en", "zh-hans")
    ],
)
def test_no_page_says_a_word_of_the_machine(who: str, language: str) -> None:
    with time_machine.travel(NOW, tick=False):
        load_demo(today=TODAY, now=NOW)
        connect_demo_edc(today=TODAY, now=NOW, by=None)
        call_command("sweep")
        browser = Client(raise_request_exception=False)
        browser.force_login(User.objects.get(username=who))
        show_who_one_is(browser)
        browser.cookies["django_language"] = language
        found, read = {}, 0
        for page in pages()[0]:
            answer = browser.get(page.address)
            if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
                assert answer.status_code < 500, page.name
                continue
            read += 1
            faults = set(faults_of(page.name, answer.content.decode(), chinese=language != "en"))
            if faults:
                found[page.name] = faults
    assert not found
    assert read > 50, "a designer, who may open fewest, reads 54"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<p>to-book</p>", "to-book"),
        ("<p>last_days</p>", "last_days"),
        ("<td>None</td>", "None"),
        ('<p title="2026-12-07T09:00">x</p>', "2026-12-07T0"),
        ("<p>{'a': 1}</p>", "{'"),
        ("<p>%(day)s</p>", "%("),
        ("<p>访视 Enter a reason 。</p>", "Enter a reason"),
        ("<p>None of the listed diseases</p>", "None of the listed diseases"),
        ("<p>half-life 480 h</p>", None),
        ("<p>NCT07339332 · Dr. Chen Yu</p>", None),
        ("<script>to_book = None</script>", None),
    ],
)
def test_what_counts_as_a_fault(text: str, fault: str | None) -> None:
    assert list(faults_of("page", text, chinese=True)) == ([fault] if fault else [])

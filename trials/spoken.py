"""The translator that edges and services hand to the domain: messages, labels, codes, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from trials.domain.errors import Refused
from trials.domain.language import Code, Named, Text, label_of, readable
from trials.domain.refusals import REASON_MISSING, Refusal
from trials.domain.sites.names import in_language, place_name
from trials.domain.words import DAY_FORM, day_text, flat_brackets, iso_point, run_on
from trials.models import Site, Trial

_LISTED = re.compile(r"%\(v[0-9]+\)s(?:, %\(v[0-9]+\)s)+")
"""A template of `trials.domain.words.listed`: nothing but places and what separates them."""
_ROW = re.compile(r"%\(s0\)s(?: %\(s[0-9]+\)s)+")
"""A template of several sentences (`trials.domain.stored_sentences.joined`)."""
_PAGE_OF: ContextVar[date | None] = ContextVar("page_of", default=None)
"""The day of the page that is made; None where none is: for the API, feeds, e-mails and what is stored."""


@contextmanager
def days_as_on_pages(today: date) -> Iterator[None]:
    """Write days in sentences as pages do while the block lasts: Mon 7 Dec, 12月7日（周一）."""
    token = _PAGE_OF.set(today)
    try:
        yield
    finally:
        _PAGE_OF.reset(token)


def _day_form() -> str:
    today = _PAGE_OF.get()
    if today is None:
        return DAY_FORM
    language = "zh" if (get_language() or "en").startswith("zh") else "en"
    return f"{language}:{today.year:04}-{today.month:02}-{today.day:02}"


def say(message: str) -> str:
    """Return a message in the reader's language, and nothing of nothing.

    A text that its document gives in both languages is said in its own words; a code by its label;
    `Chemotherapy 2` by the translation of `Chemotherapy`; a code without label or translation
    without its hyphens. On a page, days in sentences are written as pages write them (`trials.domain.words`).
    """
    if message == DAY_FORM:
        return _day_form()
    if isinstance(message, Named):
        message = label_of(message)
    if isinstance(message, Text) and message.zh:
        return message.in_language(get_language() or "en")
    if not message:
        return str(message)
    if _LISTED.fullmatch(message):
        return message.replace(", ", pgettext("list", ", "))
    if _ROW.fullmatch(message):
        return run_on(message.split(), _)
    whole = _(message)
    return whole if whole != message else _say_untranslated(message)


def _say_untranslated(message: str) -> str:
    """A numbered label by its name, a code by its label; anything else as it stands."""
    name, _space, number = message.rpartition(" ")
    if name and number.replace(".", "").isdecimal():
        return f"{_(name)} {number}"
    if not isinstance(message, Code):
        return str(message)
    capital = message[:1].upper() + message[1:]  # a label inside a sentence
    said = _(capital)
    return readable(message) if said == capital else said


def refuse(refusals: Iterable[Refusal], error: type[Refused] = Refused) -> None:
    """Raise an error for these refusals, in the reader's language; does nothing where there are none."""
    found = tuple(refusals)
    if found:
        raise error.because(found, say)


def sentence(message: str, values: Mapping[str, object]) -> str:
    """Fill in a message in the reader's language; days stand as the rest of a page writes them.

    A day that is put in by `%` reads 2026-12-07 amid others that read Mon 7 Dec.
    """
    return flat_brackets(
        message
        % {name: day_text(value, say) if isinstance(value, date) else value for name, value in values.items()}
    )


def bracketed(text: str, inside: str | date | None) -> str:
    """Return a text with something in brackets behind it; a day as the page writes days, nothing for None."""
    if inside is None:
        return text
    said = iso_point(inside, say) if isinstance(inside, date) else inside
    return flat_brackets(_("%(text)s (%(inside)s)") % {"text": text, "inside": said})


def require_reason(reason: str, error: type[Refused] = Refused) -> None:
    """Raise an error at the field `reason` where nobody gave one."""
    if not reason.strip():
        refuse([Refusal("reason", REASON_MISSING)], error)


def site_name(site: Site) -> str:
    """Return the name of a hospital: its Chinese one on Chinese pages, where somebody entered it."""
    return str(site)


def site_place(site: Site) -> str:
    """Return the short name of a site that stands beside a subject code."""
    return place_name(site.code, site.short_name, site.short_name_zh, get_language() or "en")


def place_text(site: Site) -> Text:
    """Return the short name of a site in both languages, for a sentence that is kept or said later."""
    names = (site.code, site.short_name, site.short_name_zh)
    return Text(place_name(*names, "en"), place_name(*names, "zh-hans"))


def trial_name(trial: Trial) -> str:
    """Return what a trial is called in lists at its sites: its short name, else its code; never outside."""
    return in_language(trial.short_name, trial.short_name_zh, get_language() or "en") or trial.code

"""Messages in words, and as e-mail: subjects that name nobody, and a key by which a repeat is dropped."""

from __future__ import annotations

import hashlib
import re
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.message import sanitize_address
from django.utils.translation import get_language, ngettext, override
from django.utils.translation import gettext as _

from participants.domain.product import LABELS, Milestone
from schedules.domain.reminders import CLOSING, START, Notice
from schedules.domain.reminders.grouping import Message
from schedules.domain.reminders.ledger import ClinicDaysLeft
from schedules.domain.reminders.rules import BY_KIND, UNTOLD
from trials.bounded_mail import EmailBackend
from trials.domain.language import Text
from trials.domain.protocols.outside_names import names_disease
from trials.domain.words import page_day
from trials.spoken import days_as_on_pages, say

# A mail server that answers 500 or more will not take the same message later either (RFC 5321, 4.2.1).
_PERMANENT = 500
_ADDRESS = re.compile(r"[^\s<>(){},;:]+@[^\s<>(){},;:]+")


class AddressUnreadable(Exception):
    """An e-mail address is none."""


Send = Callable[[Message], None]


@contextmanager
def sending_by_email() -> Iterator[Send]:
    """Give what sends a message to its address, all of a block through one connection where there is one.

    It raises AddressUnreadable, and what the mail server says.
    """
    mail = get_connection()
    kept = mail if isinstance(mail, EmailBackend) else None

    def send(message: Message) -> None:
        try:
            sanitize_address(message.address, "utf-8")
        except (TypeError, ValueError) as error:  # "<>" makes the library stumble
            raise AddressUnreadable(str(error)) from error
        (kept or get_connection()).send_messages([_email(message)])

    with kept.keeping() if kept else nullcontext():
        yield send


def is_refused_for_good(error: Exception) -> bool:
    """Say whether trying again cannot help: the receiver refuses address or message (5xx), or it is none.

    A sender, a password or a greeting that is refused is the installation's fault and may be
    corrected while the message is still true: that is tried again.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return bool(error.recipients) and all(code >= _PERMANENT for code, _said in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= _PERMANENT
    return isinstance(error, AddressUnreadable)


def is_unreachable(error: Exception) -> bool:
    """Say whether nobody answers, so that the next message would fail the same way."""
    broken = smtplib.SMTPServerDisconnected | smtplib.SMTPConnectError
    return isinstance(error, broken) or (
        isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException)
    )


def reason_of(error: Exception) -> str:
    """Give what went wrong in words: the receiver's own where it said any, without addresses."""
    return _ADDRESS.sub("…", _said(error))


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused) and error.recipients:
        code, said = next(iter(error.recipients.values()))
        return f"{code} {_text(said)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _email(message: Message) -> EmailMessage:
    name = hashlib.sha256(f"{message.key} {message.address}".encode()).hexdigest()[:32]
    written = written_out(message)
    return EmailMessage(
        subject=written.subject,
        body=written.body,
        to=[message.address],
        headers={"Message-ID": f"<{name}@dayzero>", "X-Dayzero-Key": message.key},
    )


@dataclass(frozen=True, slots=True)
class Written:
    """A message in words: a subject that names nobody, one text for each thing, and what ends it."""

    subject: str
    lines: tuple[str, ...]
    end: str = ""

    @property
    def body(self) -> str:
        """The whole message: its lines with an empty one between them."""
        return "\n\n".join(part for part in (*self.lines, self.end) if part)


def written_out(message: Message) -> Written:
    """Write a message in its recipient's language: outside name, subject code, visit, date and link alone."""
    with override(message.language or settings.LANGUAGE_CODE):
        texts = [_of(notice) for notice in message.notices]
        lines = tuple(
            f"{body}\n{notice.link}" if notice.link else body
            for notice, (_subject, body) in zip(message.notices, texts, strict=True)
        )
        count = len(lines) + message.more
        if count == 1:
            return Written(texts[0][0], lines)
        subject = ngettext("Dayzero: %(count)d reminder", "Dayzero: %(count)d reminders", count)
        return Written(subject % {"count": count}, lines, _rest(message))


def _rest(message: Message) -> str:
    """What a message leaves to the bell, and where that is."""
    if not message.more:
        return message.bell
    more = ngettext("And %(count)d more in Dayzero.", "And %(count)d more in Dayzero.", message.more)
    return "\n".join(part for part in (more % {"count": message.more}, message.bell) if part)


def _of(notice: Notice) -> tuple[str, str]:
    if notice.kind == START:
        return _of_start(notice)
    if notice.kind == UNTOLD:
        return _of_nobody(notice)
    return _of_window(notice) if notice.kind == CLOSING else _of_rule(notice)


def _of_nobody(notice: Notice) -> tuple[str, str]:
    subject = _("Dayzero: nobody to be reminded")
    body = _("%(trial)s, %(site)s: nobody can be reminded there. Give somebody the role of a coordinator.")
    return subject, body % {"trial": _trial(notice), "site": say(notice.label)}


def _trial(notice: Notice) -> str:
    """What the trial is called outside, in the reader's language."""
    name = notice.trial
    return name.in_language(get_language() or "en") if isinstance(name, Text) else name


def _of_rule(notice: Notice) -> tuple[str, str]:
    subject = _("Dayzero: %(what)s") % {"what": say(BY_KIND[notice.kind].label)}
    body = _("%(trial)s, participant %(subject_code)s: %(said)s")
    day = notice.day or notice.opens
    if _tells_a_disease(notice.label):
        said = _("%(what)s, %(day)s.") % {"what": say(BY_KIND[notice.kind].label), "day": written_day(day)}
    else:
        said = with_clinic_days(sentence(notice.kind, notice.label, day), notice.left)
    return subject, body % {"trial": _trial(notice), "subject_code": notice.subject_code, "said": said}


def _tells_a_disease(label: str) -> bool:
    """Whether a label is left to the page that the link leads to: a message does not name a disease."""
    return names_disease(str(label)) or names_disease(getattr(label, "zh", ""))


def sentence(kind: str, thing: str, day: date) -> str:
    """Say what a reminder of a rule tells, in the reader's language."""
    label = say(str(LABELS[Milestone(thing)])) if kind == "product" else say(thing)
    return say(BY_KIND[kind].says) % {"thing": label, "day": written_day(day)}


def with_clinic_days(said: str, left: ClinicDaysLeft | None) -> str:
    """Add what a window has left, where the day on which it closes is no clinic day."""
    if left is None or not left.is_worth_a_word:
        return said
    if left.last is None:
        return _("%(said)s No clinic day is left until then.") % {"said": said}
    return _("%(said)s The last clinic day is %(day)s.") % {"said": said, "day": written_day(left.last)}


def _of_start(notice: Notice) -> tuple[str, str]:
    body = _("%(trial)s, participant %(subject_code)s: the list before the start on %(day)s says no.")
    words = {
        "trial": _trial(notice),
        "subject_code": notice.subject_code,
        "day": written_day(notice.day or notice.opens),
    }
    return _("Dayzero: the list before a start says no"), body % words


def _of_window(notice: Notice) -> tuple[str, str]:
    subject = _("Dayzero: a visit's window closes on %(day)s") % {"day": written_day(notice.closes)}
    last = notice.left.last if notice.left else notice.closes
    if last is None:
        body = _(
            "%(trial)s, participant %(subject_code)s: %(visit)s has no clinic day left in its window.\n"
            "Window: %(opens)s to %(closes)s."
        )
    elif last == notice.closes:
        body = _(
            "%(trial)s, participant %(subject_code)s: %(visit)s can still be done until %(closes)s.\n"
            "Window: %(opens)s to %(closes)s."
        )
    else:
        body = _(
            "%(trial)s, participant %(subject_code)s: %(visit)s can still be done until %(last)s, the last "
            "clinic day of its window.\n"
            "Window: %(opens)s to %(closes)s."
        )
    return subject, body % {
        "trial": _trial(notice),
        "subject_code": notice.subject_code,
        "visit": say(notice.label),
        "opens": written_day(notice.opens),
        "closes": written_day(notice.closes),
        "last": written_day(last or notice.closes),
    }


def written_day(day: date) -> str:
    """Write a day with its weekday: on a page as pages do; in a message, read later, with its year."""
    if said := page_day(day, say):
        return said
    with days_as_on_pages(date(day.year - 1, 1, 1)):
        return page_day(day, say) or day.isoformat()

"""Notices as e-mail: subjects that name nobody, and a key by which a receiver can drop a repeat."""

from __future__ import annotations

import hashlib
import re
import smtplib
from datetime import date

from django.core.mail import EmailMessage, get_connection
from django.core.mail.message import sanitize_address
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from schedules.domain.deviations.stored_sentences import facts_text
from schedules.domain.reminders import CLOSING, START, Notice
from schedules.domain.reminders.rules import BY_KIND
from trials.spoken import say

_PERMANENT = 500
_ADDRESS = re.compile(r"[^\s<>(){},;:]+@[^\s<>(){},;:]+")


class AddressUnreadable(Exception):
    """An e-mail address is none."""


def send_by_email(notice: Notice) -> None:
    """Send the notice to its address; raises AddressUnreadable, and what the mail server says."""
    try:
        sanitize_address(notice.address, "utf-8")
    except (TypeError, ValueError) as error:  # "<>" makes the library stumble
        raise AddressUnreadable(str(error)) from error
    get_connection().send_messages([_message(notice)])


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


def _message(notice: Notice) -> EmailMessage:
    name = hashlib.sha256(f"{notice.key} {notice.address}".encode()).hexdigest()[:32]
    subject, body = _written_out(notice)
    return EmailMessage(
        subject=subject,
        body=body,
        to=[notice.address],
        headers={"Message-ID": f"<{name}@dayzero>", "X-Dayzero-Key": notice.key},
    )


def _written_out(notice: Notice) -> tuple[str, str]:
    if notice.kind == START:
        return _of_start(notice)
    return _of_window(notice) if notice.kind == CLOSING else _of_rule(notice)


def _of_rule(notice: Notice) -> tuple[str, str]:
    subject = _("Dayzero: %(what)s") % {"what": say(BY_KIND[notice.kind].label)}
    body = _("%(trial)s, participant %(subject_code)s: %(said)s")
    said = sentence(notice.kind, notice.label, notice.day or notice.opens)
    return subject, body % {"trial": notice.trial, "subject_code": notice.subject_code, "said": said}


def sentence(kind: str, thing: str, day: date) -> str:
    """Say what a reminder of a rule tells, in the reader's language."""
    return say(BY_KIND[kind].says) % {"thing": say(thing), "day": _written(day)}


def _of_start(notice: Notice) -> tuple[str, str]:
    body = _("%(trial)s, participant %(subject_code)s: the list before the start says no.\n%(why)s")
    words = {"trial": notice.trial, "subject_code": notice.subject_code, "why": facts_text(notice.why, say)}
    return _("Dayzero: the list before a start says no"), body % words


def _of_window(notice: Notice) -> tuple[str, str]:
    return (
        _("Dayzero: a visit's window closes on %(day)s") % {"day": _written(notice.closes)},
        _(
            "%(trial)s, participant %(subject_code)s: %(visit)s can still be done until %(closes)s.\n"
            "Window: %(opens)s to %(closes)s."
        )
        % {
            "trial": notice.trial,
            "subject_code": notice.subject_code,
            "visit": say(notice.label),
            "opens": _written(notice.opens),
            "closes": _written(notice.closes),
        },
    )


def _written(day: date) -> str:
    return date_format(day, "Y-m-d, l")

"""Notices as e-mail: subjects that name nobody, and a key by which a receiver can drop a repeat."""

from __future__ import annotations

import hashlib
from datetime import date

from django.core.mail import EmailMessage, get_connection
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from schedules.domain.deviations.stored_sentences import facts_text
from schedules.domain.reminders import START, Notice
from trials.spoken import say


def send_by_email(notice: Notice) -> None:
    """Send the notice to each of its addresses, in a message of its own; raises what the mail server says."""
    connection = get_connection()
    connection.send_messages([_message(notice, address) for address in notice.addresses])


def _message(notice: Notice, address: str) -> EmailMessage:
    name = hashlib.sha256(f"{notice.key} {address}".encode()).hexdigest()[:32]
    subject, body = _of_start(notice) if notice.kind == START else _of_window(notice)
    return EmailMessage(
        subject=subject,
        body=body,
        to=[address],
        headers={"Message-ID": f"<{name}@dayzero>", "X-Dayzero-Key": notice.key},
    )


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

"""What leaves by e-mail for accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from trials.domain.audit.chain import Stray
from trials.models import AuditSeal


def send_heads(seals: Sequence[AuditSeal], to: Sequence[str]) -> None:
    """Send heads of the audit trail, the newest first, to where nobody here can change them."""
    words = "\n".join(
        f"last: {seal.last}\nhead: {seal.head}\nsealed at: {seal.sealed_at.isoformat()}\n" for seal in seals
    )
    send_mail(f"Dayzero: audit trail sealed up to link {seals[0].last}", words, None, list(to))


def send_strays(strays: Sequence[Stray], to: Sequence[str]) -> None:
    """Tell of entries that do not continue the chain: nobody but a trigger writes entries."""
    said = "".join(f"entry {stray.entry}: {stray.why}\n" for stray in strays[:100])
    words = "These entries of the audit trail were not sealed, because they do not continue it:\n\n" + said
    send_mail(f"Dayzero: {len(strays)} entries stand outside the audit trail", words, None, list(to))


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """What the owner of an account is told: what was changed, by whom, when, why, and where to stop it."""

    kind: str
    by: str
    at: datetime
    reason: str
    stop: str


def send_account_change(notice: AccountNotice, to: Sequence[str]) -> bool:
    """Tell the owner of an account that somebody else changed it; False where no e-mail leaves."""
    if not to or not settings.REMINDERS_LEAVE:
        return False
    words = _(
        "Somebody else changed your Dayzero account.\n\n"
        "What: %(kind)s\nBy: %(by)s\nWhen: %(at)s\nReason: %(reason)s\n\n"
        "You can go on as before if you know of it. Until you, or a second administrator, confirm it, the "
        "account signs nothing.\n"
    )
    said = {"kind": notice.kind, "by": notice.by or "–", "reason": notice.reason or "–"}
    text = words % {**said, "at": f"{notice.at:%Y-%m-%d %H:%M} UTC"}
    if notice.stop:
        text += _("\nIf you do not know of it, stop it here and tell your site:\n%(link)s\n") % {
            "link": notice.stop
        }
    else:
        text += _("\nIf you do not know of it, sign in, stop it under “Your account”, and tell your site.\n")
    for address in to:  # one address is not told of another
        send_mail(_("Your Dayzero account was changed"), text, None, [address])
    return True


def send_password_link(*, email: str, link: str, hours: int) -> None:
    """Send somebody the link behind which they set their password; the subject names nobody."""
    words = _("Set the password of your Dayzero account here within %(hours)s hours:\n\n%(link)s\n")
    send_mail(_("Your Dayzero account"), words % {"hours": hours, "link": link}, None, [email])

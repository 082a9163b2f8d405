"""What leaves by e-mail for accounts."""

from __future__ import annotations

from django.core.mail import send_mail
from django.utils.translation import gettext as _


def send_password_link(*, email: str, link: str, hours: int) -> None:
    """Send somebody the link behind which they set their password; the subject names nobody."""
    words = _("Set the password of your Dayzero account here within %(hours)s hours:\n\n%(link)s\n")
    send_mail(_("Your Dayzero account"), words % {"hours": hours, "link": link}, None, [email])

"""Which calendar program it is that fetches: its name, for the owner of the address to recognise."""

from __future__ import annotations

import re

_KNOWN = (
    ("Google-Calendar-Importer", "Google Calendar"),
    ("ICSx5", "ICSx⁵ (Android)"),
    ("iOS/", "iOS"),
    ("dataaccessd", "iOS"),
    ("macOS/", "macOS"),
    ("CalendarAgent", "macOS"),
    ("Thunderbird", "Thunderbird"),
    ("Nextcloud", "Nextcloud"),
    ("Microsoft.Exchange", "Outlook (Exchange)"),
    ("Microsoft Office", "Outlook"),
    ("Outlook", "Outlook"),
    ("HomeAssistant", "Home Assistant"),
    ("Home Assistant", "Home Assistant"),
    ("KIO", "KDE"),
    ("vdirsyncer", "vdirsyncer"),
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]*")
_LONGEST = 40


def client_name(agent: str) -> str:
    """Name the program behind a User-Agent: by the name that people know, else by its first word.

    Nothing but letters, digits and a few signs, so that no header writes into a page or a log.
    """
    for part, name in _KNOWN:
        if part.lower() in agent.lower():
            return name
    first = _NAME.match(agent.partition("/")[0].strip())
    return first.group().strip()[:_LONGEST] if first else ""

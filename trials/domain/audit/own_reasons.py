"""The reasons that Dayzero gives itself: kept as these English sentences, said where they are read.

What a person wrote stands as it was written. A sentence here is a code: once it is in somebody's trail, it
is never worded differently; a better wording is a new one, and the old one stays for those that are kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from trials.domain.audit.signing import How
from trials.domain.kept_sentences import said_again
from trials.domain.words import Say, plain
from trials.domain.words import mark as _

UNDONE = _("Undone right after it was entered.")
PROVED_BY_FORMER_PASSWORD = _("proved by the former password")
PROVED_AT_SIGNING = _("proved at signing")
STOPPED_BY_OWNER = _("stopped by the owner")
STOPPED_BY_LINK = _("stopped behind the link of the e-mail")
SIGNED_ON_AT_PROVIDER = _("single sign-on")
SIGNED_WITH: Mapping[How, str] = {
    How.PASSWORD: _("signed with a password"),
    How.PASSKEY: _("signed with a passkey"),
}
PLAN_NO_LONGER_ASKS = _("The plan no longer asks for it.")
ABSENT = _("Absence")

_OWN = frozenset(
    {
        UNDONE,
        PROVED_BY_FORMER_PASSWORD,
        PROVED_AT_SIGNING,
        STOPPED_BY_OWNER,
        STOPPED_BY_LINK,
        SIGNED_ON_AT_PROVIDER,
        *SIGNED_WITH.values(),
        PLAN_NO_LONGER_ASKS,
        ABSENT,
    }
)


def reason_text(kept: str, say: Say = plain) -> str:
    """Return a reason in the reader's language where it is one of ours, else as it was entered."""
    return said_again(kept, _OWN, say)

"""Why a message did not leave: kept with its delivery in English, said to each reader in their language.

A worker sends in no reader's language, and a test from a page in that of its user: what is kept is
neither's. As with `own_reasons`, a sentence that stands in somebody's rows is never worded differently.
"""

from __future__ import annotations

from trials.domain.channels.addresses import INTERNAL, NOT_A_URL, NOT_HTTPS, UNKNOWN_HOST, WITH_PASSWORD
from trials.domain.channels.kinds import (
    BAD_SECRET,
    NO_OPTIONS,
    NO_SECRET_HERE,
    NOT_ITS_ADDRESS,
    NOT_ON_THE_LIST,
    OTHER_KIND,
)
from trials.domain.kept_sentences import said_again
from trials.domain.words import Say, plain
from trials.domain.words import mark as _

NOT_TRUSTED = _("The server's certificate cannot be trusted.")
TOO_SLOW = _("The server did not answer in time.")
NOT_REACHED = _("The server cannot be reached, or the connection broke.")
NAME_TOO_SLOW = _("The name %(host)s could not be looked up in time.")
NAME_NOT_FOUND_NOW = _("The name %(host)s cannot be looked up now.")
NOBODY_NAMED = _("The address names nobody to send to.")
REFUSED = _("The receiver refused the message.")
REFUSED_WITH = _("The receiver refused the message with code %(code)s.")
ANSWERED = _("The receiver answered %(status)s.")
WITHOUT_KEY = _("Secrets cannot be stored here: set STORED_SECRET_KEYS in the environment of the server.")
OTHER_KEY = _("A stored secret cannot be read: the key that it was stored with is not in STORED_SECRET_KEYS.")
NO_SUCH_KEY = _("STORED_SECRET_KEYS holds something that is no key: each is 32 bytes in URL-safe base64.")
WEBHOOK_ENDED = _("The webhook was ended.")
NOT_IN_SIGHT = _("The client may no longer see the participant.")
# What went wrong stands in the log alone: it may hold values of a participant.
UNWRITTEN = _("The message could not be written. The server's log says why.")
UNSENT = _("The message could not be sent. The server's log says why.")

_OWN = (
    NOT_TRUSTED,
    TOO_SLOW,
    NOT_REACHED,
    NAME_TOO_SLOW,
    NAME_NOT_FOUND_NOW,
    NOBODY_NAMED,
    REFUSED,
    REFUSED_WITH,
    ANSWERED,
    WITHOUT_KEY,
    OTHER_KEY,
    NO_SUCH_KEY,
    WEBHOOK_ENDED,
    NOT_IN_SIGHT,
    UNWRITTEN,
    UNSENT,
    INTERNAL,
    NOT_A_URL,
    NOT_HTTPS,
    UNKNOWN_HOST,
    WITH_PASSWORD,
    NOT_ITS_ADDRESS,
    NOT_ON_THE_LIST,
    OTHER_KIND,
    NO_OPTIONS,
    BAD_SECRET,
    NO_SECRET_HERE,
)


def failure_text(kept: str, say: Say = plain) -> str:
    """Return why a message did not leave, in the reader's language; what a server said stands."""
    return said_again(kept, _OWN, say)

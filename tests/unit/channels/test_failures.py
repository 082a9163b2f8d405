"""Why a message did not leave is kept in English and said in the language of whoever reads it.

It was kept in the language of the worker, or of whoever had tried the channel last.
"""

from __future__ import annotations

import pytest

from trials.domain.channels import failures
from trials.domain.channels.addresses import INTERNAL, UNKNOWN_HOST
from trials.domain.channels.failures import ANSWERED, REFUSED_WITH, TOO_SLOW, failure_text
from trials.domain.channels.kinds import KINDS, NOT_ITS_ADDRESS, ChannelKind
from trials.domain.refusals import Refusal

CHINESE = {
    TOO_SLOW: "服务器超时",
    ANSWERED: "接收方返回 %(status)s。",
    REFUSED_WITH: "被拒收，代码 %(code)s。",
    UNKNOWN_HOST: "找不到服务器 %(host)s",
    INTERNAL: "%(address)s 是 %(host)s 的内部地址",
    NOT_ITS_ADDRESS: "应为 %(form)s",
}


def chinese(message: str) -> str:
    return CHINESE.get(message, message)


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (TOO_SLOW, "服务器超时"),
        ("The receiver answered 503.", "接收方返回 503。"),
        (
            "The receiver answered 503. busy: 100%",
            "接收方返回 503。 busy: 100%",
        ),
        ("The receiver refused the message with code 93000. invalid url", "被拒收，代码 93000。 invalid url"),
        (Refusal("url", UNKNOWN_HOST, {"host": "a.example"}).text(), "找不到服务器 a.example"),
        (
            Refusal("url", INTERNAL, {"host": "b.example", "address": "10.0.0.1"}).text(),
            "10.0.0.1 是 b.example 的内部地址",
        ),
        (
            Refusal("address", NOT_ITS_ADDRESS, {"form": KINDS[ChannelKind.TWILIO].form}).text(),
            f"应为 {KINDS[ChannelKind.TWILIO].form}",
        ),
    ],
)
def test_a_failure_is_said_again_with_what_stands_in_it(kept: str, said: str) -> None:
    assert failure_text(kept, chinese) == said
    assert failure_text(kept) == kept


@pytest.mark.parametrize("kept", ["", "550 5.1.1 no such user", "HTTP 500", "The server did not"])
def test_what_a_server_said_stands(kept: str) -> None:
    assert failure_text(kept, chinese) == kept


def test_every_failure_that_has_a_name_is_said_again() -> None:
    named = {
        value
        for name, value in vars(failures).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    }
    assert named == set(failures._OWN)

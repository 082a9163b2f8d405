"""What the outside of every page must say, and what a log line must not."""

import logging
import sys

import pytest
from django.test import Client

from config.logs import IdsOnlyFormatter, RouteInsteadOfPath


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "loosened", "why"),
    [
        ("/admin/login/", True, "unfold evaluates expressions"),
        ("/no-such-page/", False, "an error page is one of ours"),
    ],
)
def test_the_policy_is_strict_but_for_the_admin(
    client: Client, address: str, loosened: bool, why: str
) -> None:
    policy = client.get(address)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert ("'unsafe-eval'" in policy) is loosened, why
    assert ("style-src-attr 'unsafe-inline'" in policy) is loosened, why


@pytest.mark.django_db
def test_a_log_line_names_no_address(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/calendar/s3cret-token.ics")
    record = next(record for record in caplog.records if record.name == "django.request")
    RouteInsteadOfPath().filter(record)
    assert "s3cret" not in IdsOnlyFormatter("%(message)s").format(record)
    assert record.getMessage() == "GET no-feed answered 404"


def test_a_log_line_holds_an_exceptions_type_but_not_its_words() -> None:
    try:
        try:
            raise ValueError("Key (subject_code)=(S-0042) already exists")
        except ValueError as error:
            raise RuntimeError("while enrolling S-0042") from error
    except RuntimeError:
        written = IdsOnlyFormatter().formatException(sys.exc_info())
    assert "S-0042" not in written
    assert written.count("Error") == 2
    assert "builtins.ValueError" in written
    assert "test_settings.py" in written


def test_a_message_without_a_request_passes_unchanged() -> None:
    record = logging.LogRecord("celery", logging.INFO, __file__, 1, "swept %s", ("site 3",), None)
    assert RouteInsteadOfPath().filter(record)
    assert record.getMessage() == "swept site 3"

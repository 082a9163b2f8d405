"""`manage.py rundemo`: what it refuses before it does anything; tests/production runs it."""

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize("port", ["0", "65536", "70000", "-1", "8000.0", ""])
def test_a_port_that_cannot_be_is_said(port: str) -> None:
    with pytest.raises(CommandError, match=f"PORT is '{port}'; it can be 1 to 65535"):
        call_command("rundemo", "--port", port)

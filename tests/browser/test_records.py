"""The admin, as a browser shows it under our content security policy."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from trials.models import User


@pytest.mark.django_db(transaction=True)
def test_someone_signs_in_to_the_records(live_server: LiveServer, page: Page, complaints: list[str]) -> None:
    User.objects.create_superuser("set-up", password="a long and made-up one")
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("set-up")
    page.locator("input[name=password]").fill("a long and made-up one")
    page.locator("button[type=submit]").first.click()
    expect(page).to_have_title("Site administration | Dayzero")
    assert not [complaint for complaint in complaints if "style" not in complaint.lower()]

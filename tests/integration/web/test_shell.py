"""What every page has: language, light, a strict policy, and no door that leads elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.test import Client

from tests.integration.web.conftest import TODAY, Enrol
from trials.models import User

PAGES = ("/", "/participants/", "/participants/enrol/", "/accounts/login/", "/nowhere/")


def test_no_page_has_style_or_script_of_its_own(page: Client, enrolled: Enrol) -> None:
    participant = enrolled(infusion=TODAY)
    for address in (*PAGES, f"/participants/{participant.pk}/"):
        answer = page.get(address, follow=True)
        text = answer.content.decode()
        assert not re.search(r"<script(?! src)|<style|\sstyle=|\son\w+=", text), address
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy, address


@pytest.mark.parametrize(("chosen", "kept"), [("dark", "dark"), ("light", "light"), ("pink", "system")])
def test_the_light_is_kept(page: Client, chosen: str, kept: str) -> None:
    answer = page.post("/theme/", {"theme": chosen, "next": "/participants/"})
    assert answer["Location"] == "/participants/"
    assert f'data-theme="{kept}"' in page.get("/").content.decode()


@pytest.mark.parametrize("elsewhere", ["https://example.com/", "//example.com/", "javascript:alert(1)"])
def test_choosing_the_light_leads_nowhere_else(page: Client, elsewhere: str) -> None:
    assert page.post("/theme/", {"theme": "dark", "next": elsewhere})["Location"] == "/"


def test_the_language_is_kept(page: Client) -> None:
    page.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    assert "今日" in page.get("/").content.decode()


def test_what_is_not_there_is_said_in_our_own_words(page: Client) -> None:
    answer = page.get("/participants/123456/")
    assert answer.status_code == 404
    assert "nothing that you may see" in answer.content.decode()


def test_the_records_have_no_door_of_their_own(page: Client, client: Client) -> None:
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/accounts/login/?next=/admin/"
    refused = page.get("/admin/", follow=True)
    assert refused.status_code == 403
    assert "no access to the records" in refused.content.decode()


def test_whoever_keeps_the_records_finds_them_and_the_way_back(db: None, client: Client) -> None:
    client.force_login(User.objects.create_superuser("keeper"))
    assert 'href="/admin/"' in client.get("/").content.decode()
    assert 'href="/participants/"' in client.get("/admin/").content.decode()


def test_signing_out(page: Client) -> None:
    assert page.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert page.get("/")["Location"].startswith("/accounts/login/")


def test_every_template_of_ours_can_be_read() -> None:
    """One used a tag that it had not loaded, and its page failed where nobody looked at it."""
    folder = Path(settings.BASE_DIR) / "templates"
    for path in sorted(folder.rglob("*.html")):
        get_template(str(path.relative_to(folder)))

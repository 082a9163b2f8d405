"""The language of an account meets its owner in every browser, not only in the one where it was chosen."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
COOKIE = settings.LANGUAGE_COOKIE_NAME


def test_what_was_chosen_in_one_browser_is_spoken_in_the_next() -> None:
    user = get_user_model().objects.create_user("coordinator")
    first, next_one = Client(), Client()
    first.force_login(user)
    first.post(reverse("set_language"), {"language": "zh-hans", "next": "/"})
    next_one.cookies[COOKIE] = "en"  # somebody else's, on a shared keyboard
    next_one.force_login(user)
    answer = next_one.get(reverse("account"))
    assert 'lang="zh-hans"' in answer.content.decode()
    assert answer.cookies[COOKIE].value == "zh-hans"
    next_one.post(reverse("set_language"), {"language": "en", "next": "/"})
    assert '<html lang="en"' in next_one.get(reverse("account")).content.decode()


def test_who_never_chose_reads_what_the_browser_says() -> None:
    user, page = get_user_model().objects.create_user("coordinator"), Client()
    page.cookies[COOKIE] = "zh-hans"
    page.force_login(user)
    assert 'lang="zh-hans"' in page.get(reverse("account")).content.decode()

"""A form of a page that is sent twice is done once, without a script too: a double click, a lost answer.

Every page gives its forms a token of its own against forgery. What comes again with the same token, to the
same address, with the same content, is the same form; the second time is answered as the first was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.messages.storage.base import BaseStorage
from django.contrib.sessions.backends.base import UpdateError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from schedules.services.exchange.once import Answer, answer_once
from schedules.web.shared.clock import now
from trials.models import User
from trials.stored_secrets import decrypted, encrypted
from trials.web.shared.calls_out import is_calling_out
from trials.web.shared.shown_once import ShownOnce

FAILED = 500
REDIRECTS = range(300, 400)
AT_ONCE = timedelta(minutes=1)
"""Within it a form that comes again is a double click; later it is said that nothing was done again."""


class _Failed(Exception):
    """The server failed: nothing of the request is kept."""

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__()
        self.response = response


class SentOnceMiddleware:
    """Do once what a form asks for, in one transaction with what is kept of its answer.

    Kept is where an answer leads to, or the secret that it shows. What is refused or only looked at is done
    again when it is sent again, and so is what htmx sends: its rows are told apart by their versions. What
    calls somebody outside is done each time: no transaction may wait for them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = key_of(request)
        if not key:
            return self.get_response(request)
        responses: list[HttpResponseBase] = []

        def act() -> Answer | None:
            response = self.get_response(request)
            responses.append(response)
            if response.status_code >= FAILED:
                raise _Failed(response)
            if isinstance(response, ShownOnce):
                return Answer(response.status_code, encrypted(response.content.decode()))
            if not _was_done(request, response):
                return None
            _keep_session(request, response)
            return Answer(response.status_code, response["Location"])

        user = request.user
        assert isinstance(user, User)
        try:
            kept = answer_once(user=user, key=key, digest=key, now=now(), act=act)
        except _Failed as failed:
            return failed.response
        return responses[0] if responses or kept is None else _again(request, kept)


def key_of(request: HttpRequest) -> str:
    """What tells one form of one page with its content from any other; empty where none was sent."""
    if request.method != "POST" or request.headers.get("HX-Request") or not request.user.is_authenticated:
        return ""
    if request.path_info.startswith(reverse("account")) or "csrfmiddlewaretoken" not in request.POST:
        return ""
    if is_calling_out(request):
        return ""
    files = [(name, one.name, _digests_of(one)) for name, found in request.FILES.lists() for one in found]
    form = [request.get_full_path(), sorted(request.POST.lists()), sorted(files)]
    return hashlib.sha256(json.dumps(form).encode()).hexdigest()


def _digests_of(file: UploadedFile) -> list[str]:
    """The digests of an upload's pieces; the view reads it from its beginning all the same."""
    found = [hashlib.sha256(chunk).hexdigest() for chunk in file.chunks()]
    file.seek(0)
    return found


def _was_done(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether a form is done with: it leads on, but not to who is asked for a password first."""
    if response.status_code not in REDIRECTS or response.cookies or SESSION_KEY not in request.session:
        return False
    return not response["Location"].startswith(reverse("account"))


def _keep_session(request: HttpRequest, response: HttpResponseBase) -> None:
    """Keep what the next page says along with what was done: the second of two waits for both."""
    said = messages.get_messages(request)
    if isinstance(said, BaseStorage):
        said.update(response)
    if request.session.modified:
        with suppress(UpdateError):  # it was ended elsewhere, which its own middleware answers
            request.session.save()


def _again(request: HttpRequest, kept: Answer) -> HttpResponse:
    """Answer as at first; the session is read again, which says what was done."""
    request.session = type(request.session)(request.session.session_key)
    if kept.at is not None and now() - kept.at > AT_ONCE:
        words = _("You sent this form before, and it was done then. It was not done a second time.")
        messages.info(request, words)
    if kept.status not in REDIRECTS:
        return HttpResponse(decrypted(kept.body))
    return HttpResponseRedirect(kept.body, status=kept.status)

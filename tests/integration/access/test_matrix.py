"""The access matrix: everybody, everything of ours and of others, every address and every method.

It is made from the project's own urls and from the table in `classification.py`. Nothing is read and
nothing written across a boundary; what is in sight and not allowed is refused with 403.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.cast import NOW
from tests.integration.access.classification import (
    ADDRESSES,
    ADMIN_PAGES,
    EVERYBODY,
    EVERYWHERE,
    KEEPERS,
    RECORDS,
    VIEW,
    WITHOUT_ROLE,
    Endpoint,
    Records,
)
from tests.integration.access.forged import forged_requests
from tests.integration.access.world import OF_OTHER_TRIAL, OF_PARTICIPANTS, THEIRS, World, build
from trials.models import AuditEntry

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ENDED = {"expired", "withdrawn"}
"""Who asks only for things: without a role, lists and forms are those of `nobody`."""
TRIES_ALL = "coordinator"
"""Who sends every method to every address in the long lane; the others send those that the table names."""
SEES_PAGES_OF_REFUSAL = {"anonymous", TRIES_ALL, "one-trial", "administrator"}
"""Who gets the whole pages of a refusal. They are one for each status, and to lay them out is most of
the time of a refusal; the others get only its words, in which nothing may stand either."""
REFUSED = {302, 401, 403, 404, 405, 429}
LET_THROUGH = {200, 204, 302, 400, 409, 415, 422, 428, 429}
ADMIN = re.compile(r"admin/(trials|participants|schedules)/(\w+)/(.*)")
PAGES = {
    "": "list",
    "add/": "add",
    "<path:object_id>/history/": "read",
    "<path:object_id>/delete/": "delete",
    "<path:object_id>/change/": "change",
    "<path:object_id>/": "elsewhere",
}


@dataclass(frozen=True)
class Address:
    """A route of the project, its name if it has one, and its line in the table."""

    route: str
    name: str
    endpoint: Endpoint | None

    def __str__(self) -> str:
        return f"{self.route} ({self.name})"


def addresses() -> Iterator[Address]:
    """Every address below the root, but the admin's pages of single kinds of records."""
    for route, pattern in _walk(get_resolver()):
        name = pattern.name or ""
        if not ADMIN.match(route):
            table = ADMIN_PAGES if route.startswith("admin/") else ADDRESSES
            yield Address(route, name, table.get(route if route.startswith("admin/") else name))


def _walk(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, route)
        else:
            yield route, pattern


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Built once, and rolled back at the end."""
    cache.clear()
    logging.disable(logging.CRITICAL)  # every refusal is a warning, and here they are meant
    with (
        pytest.MonkeyPatch.context() as patched,
        time_machine.travel(NOW, tick=True),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        # Copying what each template was given takes a sixth of the time, and nobody looks at it.
        patched.setattr("django.test.client.store_rendered_templates", lambda *_args, **_named: None)
        yield build()
        transaction.set_rollback(True)
    logging.disable(logging.NOTSET)
    cache.clear()


def test_every_address_stands_in_the_table() -> None:
    """An endpoint that nobody classified makes this fail: add it to classification.py."""
    missing = [str(address) for address in addresses() if address.endpoint is None]
    assert not missing, "\n".join(missing)
    kinds = {match.groups()[:2] for route, _ in _walk(get_resolver()) if (match := ADMIN.match(route))}
    assert {f"{app}.{model}" for app, model in kinds} == set(RECORDS)
    pages = {match[3] for route, _ in _walk(get_resolver()) if (match := ADMIN.match(route))}
    assert pages == set(PAGES)


def test_the_table_names_no_address_that_is_gone() -> None:
    known = {address.name for address in addresses()} | {address.route for address in addresses()}
    assert set(ADDRESSES) | set(ADMIN_PAGES) <= known
    assert {model._meta.label_lower for model in admin.site._registry} >= set(RECORDS)


ALWAYS = ("coordinator", "nobody")
"""Whose row of the matrix runs in every lane; the others run in `make test-long`."""
EVERY_METHOD = f"{TRIES_ALL}, every method"


@pytest.mark.parametrize(
    "who",
    [
        "anonymous" if who is None else pytest.param(who, marks=() if who in ALWAYS else pytest.mark.long)
        for who in (None, *sorted(EVERYBODY), EVERY_METHOD)
    ],
)
def test_nothing_is_read_or_written_across_a_boundary(
    world: World, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if who not in {*SEES_PAGES_OF_REFUSAL, EVERY_METHOD}:
        monkeypatch.setattr("config.urls.handler403", _bare(403), raising=False)
        monkeypatch.setattr("config.urls.handler404", _bare(404), raising=False)
    run = Run(world, TRIES_ALL if who == EVERY_METHOD else who, every=who == EVERY_METHOD)
    for address in addresses():
        if address.endpoint and (address.endpoint.of or who not in ENDED):
            run.address(address, address.endpoint)
    for label, records in RECORDS.items():
        if who not in ENDED:
            run.records(label, records)
    assert run.asked > 60
    assert not run.faults, f"{len(run.faults)} of {run.asked}:\n" + "\n".join(run.faults)


def test_a_forged_id_in_a_form_or_a_query_reads_and_writes_nothing_of_theirs(world: World) -> None:
    runs: dict[str, Run] = {}
    for forged in forged_requests(world):
        run = runs.setdefault(forged.who, Run(world, forged.who))
        run.ask(forged.method.upper(), forged.path, set(forged.statuses), forged.data, writes=False)
    faults = [fault for run in runs.values() for fault in run.faults]
    assert sum(run.asked for run in runs.values()) > 50
    assert not faults, "\n".join(faults)


def test_no_form_is_taken_without_the_token_of_its_page(world: World) -> None:
    """A form of somebody else's making, sent by the browser of anyone who is signed in."""
    run = Run(world, "coordinator")
    run.client.handler.enforce_csrf_checks = True
    for address in addresses():
        if address.endpoint and "POST" in address.endpoint.methods and not address.endpoint.by_secret:
            for _whose, path in run.paths(address, address.endpoint):
                run.ask("POST", path, {403})
    assert run.asked > 40
    assert not run.faults, "\n".join(run.faults)


class Run:
    """One person asking for everything, by every method."""

    def __init__(self, world: World, who: str, *, every: bool = False) -> None:
        self.world, self.who, self.every = world, who, every
        self.client = world.browser(who)
        self.session = {name: cookie.value for name, cookie in self.client.cookies.items()}
        self.faults: list[str] = []
        self.asked = 0
        self.written = _last_written()
        self.secrets = list(THEIRS if who not in EVERYWHERE else ())
        self.secrets += OF_OTHER_TRIAL if who == "one-trial" else ()
        self.secrets += OF_PARTICIPANTS if who not in VIEW else ()
        self.secrets += OF_OTHER_TRIAL if who not in VIEW else ()

    @property
    def reach(self) -> set[str]:
        """Whose things are in reach at all."""
        if self.who in EVERYWHERE:
            return {"ours", "theirs", "other"}
        return {"ours"} if self.who == "one-trial" else {"ours", "other"}

    @property
    def tried(self) -> set[str]:
        """Whose things are asked for: what differs from ours for this person."""
        if self.who in EVERYWHERE | WITHOUT_ROLE:
            return {"ours"}
        return {"ours", "theirs", "other"} if self.who == "one-trial" else {"ours", "theirs"}

    def address(self, address: Address, endpoint: Endpoint) -> None:
        """An address, once for ours and once for theirs."""
        for whose, path in self.paths(address, endpoint):
            every = self.every and (whose != "ours" or not endpoint.of)
            for method in METHODS if every else {"GET", "POST", "PATCH"} & set(endpoint.methods):
                self.ask(method, path, self._expected(endpoint, method, whose))

    def records(self, label: str, records: Records) -> None:
        """The admin's pages of one kind of record."""
        app, model = label.split(".")
        base, keeper = f"/admin/{app}/{model}/", self.who in KEEPERS
        through = {
            "list": records.listed_by,
            "add": records.added_by,
        }
        for page, who in through.items():
            path = base if page == "list" else f"{base}add/"
            for method in ("GET", "POST"):
                self.ask(method, path, LET_THROUGH if self.who in who else REFUSED)
        for whose, row in self.world.rows[label].items():
            if whose not in self.tried:
                continue
            seen = keeper and self.who in records.seen_by and whose in self.reach
            changed = seen and self.who in records.changed_by and whose in self._wholly(label)
            one = f"{base}{row.pk}/"
            for page, method, let in (
                ("change/", "GET", seen),
                ("change/", "POST", changed),
                ("history/", "GET", seen),
                ("delete/", "GET", False),
                ("delete/", "POST", False),
            ):
                refused = REFUSED if not keeper else {403} if seen else {403, 404}
                self.ask(method, one + page, LET_THROUGH if let else refused)
            self.ask("GET", one, {302, 403, 404})

    def _wholly(self, label: str) -> set[str]:
        return self.reach

    def ask(
        self,
        method: str,
        path: str,
        expected: set[int],
        data: dict[str, Any] | None = None,
        writes: bool = True,
    ) -> None:
        """One request, withdrawn afterwards; keep what is wrong with its answer."""
        self.asked += 1
        with transaction.atomic():
            answer = self._answer(method, path, data)
            written = _last_written()
            transaction.set_rollback(True)
        text, status = _text(answer), answer.status_code
        line = f"{self.who}: {method} {path} -> {status}"
        if status not in expected:
            self.faults.append(f"{line}, expected {sorted(expected)}")
        let_through = status in LET_THROUGH and expected & {200, 302} and 403 not in expected
        if written != self.written and not (let_through and writes):
            self.faults.append(f"{line}, and something was written")
        self.faults += [f"{line} shows {secret!r}" for secret in self.secrets if secret in text]

    def _answer(self, method: str, path: str, data: dict[str, Any] | None) -> Any:
        client: Client = self.client
        client.cookies = SimpleCookie(self.session)  # also after a page that signs out
        if method == "POST":
            return client.post(path, data or {})
        if data:
            return client.get(path, data)
        return client.generic(method, path)

    def paths(self, address: Address, endpoint: Endpoint) -> Iterator[tuple[str, str]]:
        if address.route in NO_REVERSE:
            yield "ours", NO_REVERSE[address.route]
        elif endpoint.of:
            for whose, kwargs in self.world.objects[endpoint.of].items():
                if whose in self.tried:
                    yield whose, reverse(address.name, kwargs=dict(kwargs))
        else:
            yield "ours", reverse(address.name)

    def _expected(self, endpoint: Endpoint, method: str, whose: str) -> set[int]:
        """The statuses that are right: let through, 403, 404, to sign in, or no such method."""
        through = endpoint.methods.get(method)
        if self.who == "anonymous":
            if endpoint.open_to_all and through is not None:
                return LET_THROUGH | {403, 404}
            return REFUSED if through is not None else REFUSED | {200}
        if through is None:
            return REFUSED | {200, 204}
        if endpoint.no_role_for_it and self.who not in VIEW:
            return {403}
        if self.who not in endpoint.seen_by or whose not in self.reach:
            return {404}
        if endpoint.turned_away and self.who not in through:
            return {302}
        return LET_THROUGH if self.who in through else {403}


NO_REVERSE = {
    "admin/login/": "/admin/login/",
    "admin/": "/admin/",
    "admin/search/": "/admin/search/",
    "admin/logout/": "/admin/logout/",
    "admin/password_change/": "/admin/password_change/",
    "admin/password_change/done/": "/admin/password_change/done/",
    "admin/autocomplete/": "/admin/autocomplete/?app_label=trials&model_name=membership&field_name=user",
    "admin/jsi18n/": "/admin/jsi18n/",
    "admin/r/<path:content_type_id>/<path:object_id>/": "/admin/r/1/1/",
    "admin/^(?P<app_label>trials|participants|schedules)/$": "/admin/trials/",
    "admin/(?P<url>.*)$": "/admin/anything",
    "accounts/^password/link/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "/accounts/password/link/1-set/",
    "accounts/stop/<str:token>/": "/accounts/stop/nothing/",
    "api/v1/": "/api/v1/nothing",
    "find/<slug:kind>s/": "/find/sites/?site=T",
    "calendar/": "/calendar/nothing",
    "calendar/^(?P<token>[A-Za-z0-9_-]{43})\\.ics$": f"/calendar/{'x' * 43}.ics",
}
"""Addresses that are not made from their name."""


def _last_written() -> int | None:
    """The newest entry of the audit trail that is no export."""
    entries = AuditEntry.objects.exclude(model="trials.export")  # that something left is written by reading
    return entries.order_by("-pk").values_list("pk", flat=True).first()


def _bare(status: int) -> Callable[[HttpRequest, Exception], HttpResponse]:
    """A refusal of nothing but the words of its exception."""
    return lambda _request, exception: HttpResponse(str(exception), status=status)


def _text(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(content.decode("utf-8", "replace"))

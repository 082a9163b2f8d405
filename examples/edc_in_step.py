"""Keep an EDC in step with Dayzero: read the plan, send what was done, follow changes, survive a restore.

A worked example of `docs/edc.md` that needs Python alone. It keeps its copy in memory; an EDC keeps it in its
own tables, the cursor with it, in one transaction.

    DAYZERO=https://dayzero.example CLIENT_ID=dzc_… CLIENT_SECRET=dzs_… python examples/edc_in_step.py
"""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, dict[str, str], dict[str, Any]]
"""The status, the headers in small letters, and the document."""
Transport = Callable[[str, str, dict[str, str], bytes | None], Answer]

REDIRECTED, UNAUTHORIZED, CONFLICT, GONE, OVERTAKEN, TOO_MANY, BROKEN = 300, 401, 409, 410, 412, 429, 500
PATIENCE = 60
"""Seconds for which a server that does not answer is asked again."""


class Refused(Exception):
    """Dayzero refused something that asking again does not mend; `problem` says what."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")


def over_http(base: str) -> Transport:
    """Send requests to a server."""

    def send(method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        request = urllib.request.Request(base + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return _read(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return _read(error.code, error.headers, error.read())

    return send


def _read(status: int, headers: Any, body: bytes) -> Answer:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        document = {}
    return status, {name.lower(): value for name, value in headers.items()}, document


@dataclass
class Dayzero:
    """The API as a client with its secret sees it: gets tokens by itself, and waits where it is told to."""

    send: Transport
    client_id: str
    secret: str
    sleep: Callable[[float], None] = time.sleep
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """Ask until there is an answer; raises Refused for what asking again does not mend."""
        data = None if body is None else json.dumps(body).encode()
        ends = time.monotonic() + PATIENCE
        while True:
            status, said, document = self._once(method, path, headers, data)
            if status < REDIRECTED:
                return document
            if status == UNAUTHORIZED and time.monotonic() < ends:
                self._get_token()
            elif (status == TOO_MANY or status >= BROKEN) and time.monotonic() < ends:
                self.sleep(float(said.get("retry-after") or 1))
            else:
                raise Refused(status, document)

    def _once(
        self, method: str, path: str, headers: dict[str, str], data: bytes | None
    ) -> tuple[int, dict[str, str], Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        known = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        try:
            return self.send(method, path, known | named, data)
        except OSError:  # nobody listens, or the connection broke
            return BROKEN, {}, {}

    def _get_token(self) -> None:
        basic = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        headers = {
            "authorization": f"Basic {basic}",
            "content-type": "application/x-www-form-urlencoded",
        }
        try:
            status, _said, document = self.send(
                "POST", "/api/v1/oauth/token", headers, b"grant_type=client_credentials"
            )
        except OSError:
            self.sleep(1)
            return
        if status == UNAUTHORIZED:
            raise Refused(
                status, {"code": document.get("error"), "detail": "The secret is wrong or has ended."}
            )
        self.token = str(document.get("access_token", ""))


@dataclass
class Edc:
    """The EDC's side: a copy of the visits by id, and where the feed goes on."""

    dayzero: Dayzero
    visits: dict[int, dict[str, Any]] = field(default_factory=dict)
    cursor: str = ""
    begun: int = 0
    differences: list[int] = field(default_factory=list)

    def read_all(self) -> None:
        """Read every visit, and keep the cursor of before: what changes meanwhile is read from there."""
        found, following, cursor = {}, "/api/v1/visits?page_size=200", ""
        while following:
            page = self.dayzero.ask("GET", following)
            cursor = cursor or page["changes_cursor"]
            found |= {visit["id"]: visit for visit in page["results"]}
            place = page["next_cursor"]
            following = f"/api/v1/visits?page_size=200&cursor={place}" if place else ""
        self.visits, self.cursor, self.begun = found, cursor, self.begun + 1

    def follow(self, wait: int = 0) -> int:
        """Take over what changed, and give how many changes; after a restore everything is read again."""
        if not self.cursor:
            self.read_all()
        count, more = 0, True
        while more:
            try:
                page = self.dayzero.ask(
                    "GET", f"/api/v1/changes?cursor={self.cursor}&page_size=200&wait={wait}"
                )
            except Refused as refused:
                if refused.status != GONE:
                    raise
                self.read_all()
                continue
            for change in page["results"]:
                self._take(change)
            count += len(page["results"])
            self.cursor, more = page["cursor"], page["more"]
        return count

    def _take(self, change: dict[str, Any]) -> None:
        if change["visit"]:
            self.visits[change["visit"]["id"]] = change["visit"]
        elif change["kind"] == "added":  # somebody new, or visits that were added: read those of this person
            following = f"/api/v1/visits?participant={change['participant']}&page_size=200"
            for visit in self.dayzero.ask("GET", following)["results"]:
                self.visits[visit["id"]] = visit

    def push(self, done: Iterable[tuple[int, str]], system: str = "EDC") -> None:
        """Record visits as done by id and day; one that was changed meanwhile is looked at and sent again.

        What differs from the record is kept there for a person (`differences`), and not sent again.
        """
        for pk, day in done:
            for _attempt in range(5):
                act = {"on": day, "accept_orphans": True}
                report = {
                    "performed": act,
                    "reason": "Entered in the EDC.",
                    "source": {"system": system, "record": f"SE-{pk}"},
                }
                version = self.visits[pk]["version"]
                try:
                    found = self.dayzero.ask("PATCH", f"/api/v1/visits/{pk}", report, if_match=f'"{version}"')
                except Refused as refused:
                    if refused.status == OVERTAKEN and refused.problem.get("current"):
                        self.visits[pk] = refused.problem["current"]
                        continue
                    if refused.status == CONFLICT:
                        self.differences.append(pk)
                        break
                    raise
                self.visits[pk] = found
                break


def main() -> None:
    """Follow for ever, and say how the copy grows."""
    dayzero = Dayzero(over_http(os.environ["DAYZERO"]), os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
    edc = Edc(dayzero)
    while True:
        count = edc.follow(wait=20)
        print(f"{len(edc.visits)} visits, {count} changes", flush=True)


if __name__ == "__main__":
    main()

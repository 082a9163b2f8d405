"""Who is doing what, and why: what the audit triggers write beside old and new values.

A service runs as one act. The edge that called it (a request, a command, a task) says beforehand
who is at the keyboard, in which roles and what the cause is; the service adds who and why.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from trials.domain.audit.chain import SEPARATOR
from trials.domain.errors import FROZEN, TrialFrozen
from trials.models import User

P = ParamSpec("P")
R = TypeVar("R")


WRITTEN = ("actor_id", "actor", "roles", "cause", "reason", "id")


@dataclass(frozen=True, slots=True)
class Act:
    """One doing: by whom, in which roles, caused by what, for what reason."""

    actor_id: int | None = None
    actor: str = ""
    roles: str = ""
    cause: str = ""
    reason: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    ask_roles: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    @property
    def document(self) -> str:
        """The act as the database's triggers read it."""
        said = {name: getattr(self, name) for name in WRITTEN}
        said["reason"] = self.reason.replace(SEPARATOR, " ")  # else its parts could be read as other columns
        return json.dumps(said, ensure_ascii=False)

    def in_roles(self) -> Act:
        """The act with its roles looked up, which only what writes needs."""
        return replace(self, roles=self.ask_roles(), ask_roles=None) if self.ask_roles else self


_current: ContextVar[Act | None] = ContextVar("dayzero_act", default=None)
_told: ContextVar[str] = ContextVar("dayzero_act_told", default="")


@contextmanager
def caused_by(cause: str, *, by: User | None = None, roles: str | Callable[[], str] = "") -> Iterator[None]:
    """Say, at an edge, what causes the acts inside: a request, a command, a task.

    Roles given as a callable are asked for once something is written.
    """
    asked = {"ask_roles": roles} if callable(roles) else {"roles": roles}
    token = _current.set(_named(Act(cause=cause, **asked), by))
    try:
        yield
    finally:
        _current.reset(token)


def recorded(service: Callable[P, R]) -> Callable[P, R]:
    """Make a service one transaction and one act, by its keyword arguments `by` and `reason`.

    Raises TypeError, when the module is imported, for a service that takes either by its place, or no `by`:
    the trail would name nobody.
    """
    _require_act(service)

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        by: Any = kwargs.get("by")
        reason: Any = kwargs.get("reason") or ""
        with acting(by, reason):
            return service(*args, **kwargs)

    return run


def recorded_as_caused(service: Callable[P, R]) -> Callable[P, R]:
    """Make a service one transaction and one act by the person whom the edge named with `caused_by`.

    For what people do for themselves and what a command does: the service has nobody else to name.
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with acting(None):
            return service(*args, **kwargs)

    return run


def _require_act(service: Callable[..., Any]) -> None:
    parameters = signature(service).parameters
    by, reason = parameters.get("by"), parameters.get("reason")
    if by is None or by.kind is not Parameter.KEYWORD_ONLY:
        raise TypeError(f"{service.__qualname__} is recorded and takes no keyword `by`: who does it?")
    if reason is not None and reason.kind is not Parameter.KEYWORD_ONLY:
        raise TypeError(f"{service.__qualname__} is recorded and takes `reason` by its place, not its name")


@contextmanager
def acting(by: User | None, reason: str = "") -> Iterator[None]:
    """One transaction and one act, for writes that no service of ours makes: a package's own pages.

    Raises TrialFrozen where the database refuses to write a record of a frozen trial.
    """
    within = connection.in_atomic_block
    with _frozen_in_words(), transaction.atomic(), _acting(by, reason, within):
        yield


@contextmanager
def _frozen_in_words() -> Iterator[None]:
    """What the guards of `trials.audit.frozen` refuse, as the error of the domain, for every service."""
    try:
        yield
    except IntegrityError as error:
        if FROZEN not in str(error):
            raise
        message = _("The trial is frozen: its records are read and exported, and no longer changed.")
        raise TrialFrozen(message) from error


@contextmanager
def _acting(by: User | None, reason: str, within: bool) -> Iterator[None]:
    outer = _current.get()
    act = _named((outer or Act()).in_roles(), by)
    act = replace(act, reason=reason or act.reason)
    if act == outer and _told.get() == act.id:  # a service that calls another: the database knows it
        yield
        return
    current, told = _current.set(act), _told.set(act.id)
    _tell_database()
    try:
        yield
    finally:
        _current.reset(current)
        _told.reset(told)
    if within:  # else the transaction ends now, and what it was told with it
        _tell_database()


def _named(act: Act, by: User | None) -> Act:
    return replace(act, actor_id=by.pk, actor=by.get_username()) if by else act


def _tell_database() -> None:
    """Give PostgreSQL the act as a setting of the transaction; SQLite's triggers call `current_act`.

    PostgreSQL's compiler (jit) is switched off along with it: compiling a bulk write and its triggers costs
    a fifth of that write, measured.
    """
    if connection.vendor == "postgresql":
        told = "set_config('dayzero.act', %s, true), set_config('jit', 'off', true)"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {told}", [current_act()])


def current_act() -> str:
    """The act that is going on, as its document; empty where nobody said."""
    act = _current.get()
    return act.document if act else ""


def teach_sqlite(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Give a new SQLite connection the functions that its triggers ask.

    `dayzero_act` gives the current act to a trigger that records; `dayzero_recording` says to the guard
    of the trail whether one has asked since the entry before, which an INSERT by hand has not.
    """
    if connection.vendor != "sqlite":
        return
    asked = [False]

    def act() -> str:
        asked[0] = True
        return current_act()

    def recording() -> bool:
        was, asked[0] = asked[0], False
        return was

    connection.connection.create_function("dayzero_act", 0, act)
    connection.connection.create_function("dayzero_recording", 0, recording)

"""Who may do what: roles held at sites and in trials, and the rights they give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class Right(StrEnum):
    """Something that not everybody may do."""

    VIEW = "view"
    ENROL = "enrol"
    RECORD = "record"
    SUBSCRIBE = "subscribe"
    PUBLISH = "publish"
    ADMINISTER = "administer"
    SIGN = "sign"
    CLOSE = "close"
    REVIEW = "review"


ROLE_RIGHTS: dict[str, frozenset[Right]] = {
    "coordinator": frozenset({Right.VIEW, Right.ENROL, Right.RECORD, Right.SUBSCRIBE}),
    "investigator": frozenset(
        {Right.VIEW, Right.ENROL, Right.RECORD, Right.SUBSCRIBE, Right.SIGN, Right.REVIEW}
    ),
    "monitor": frozenset({Right.VIEW, Right.REVIEW}),
    "data_manager": frozenset({Right.VIEW, Right.RECORD, Right.CLOSE, Right.REVIEW}),
    "designer": frozenset({Right.PUBLISH}),
    "administrator": frozenset({Right.ADMINISTER, Right.REVIEW}),
}

WAIVING_ROLE = "investigator"
"""The role that may waive a protocol window, where the protocol allows it. No right, since the waiver keeps
the role in which it was given: who loses the role later leaves their waivers standing."""


class RolesDay(date):
    """The day by which roles hold that are for no site, and the instant at which it was asked for.

    A role at a site begins and ends by the day that it is there.
    """

    instant: datetime | None = None

    @classmethod
    def at(cls, now: datetime, server: ZoneInfo) -> RolesDay:
        """Return the day at an instant in the server's zone."""
        local = now.astimezone(server)
        found = cls(local.year, local.month, local.day)
        found.instant = now
        return found

    def there(self, zone: ZoneInfo) -> date:
        """Return the day that it is then in a zone; this day where nobody told the instant."""
        return self if self.instant is None else self.instant.astimezone(zone).date()


def day_there(today: date, zone: ZoneInfo) -> date:
    """Return the day that it is in a zone, where `today` carries its instant; else `today`."""
    return today.there(zone) if isinstance(today, RolesDay) else today


def covers(spans: Iterable[tuple[datetime, datetime | None]], first: datetime, last: datetime) -> bool:
    """Say whether spans, each up to an instant (None: no end), leave nothing out from `first` to `last`."""
    missing = first
    for starts, ends in sorted(spans, key=lambda span: span[0]):
        if starts > missing:
            return False
        if ends is None or ends > last:
            return True
        missing = max(missing, ends)
    return False


@dataclass(frozen=True, slots=True)
class Grant:
    """A role at a site and in a trial, by their ids; None stands for all of them."""

    role: str
    site: int | None = None
    trial: int | None = None

    def allows(self, right: Right) -> bool:
        """Whether the role gives the right, wherever it holds."""
        return right in ROLE_RIGHTS.get(self.role, frozenset())

    def covers(self, site: int | None, trial: int | None) -> bool:
        """Whether the role holds at this site and in this trial; None asks for any of them."""
        return self._meets(self.site, site) and self._meets(self.trial, trial)

    def narrowed(self, site: int | None, trial: int | None) -> Grant | None:
        """Return the part of it at this site and in this trial (None: all); None where nothing is left."""
        if not self.covers(site, trial):
            return None
        return Grant(self.role, site if self.site is None else self.site, trial or self.trial)

    @staticmethod
    def _meets(granted: int | None, asked: int | None) -> bool:
        return granted is None or asked is None or granted == asked


@dataclass(frozen=True, slots=True)
class Scope:
    """All that one user may do on one day; `everything` is a superuser's."""

    grants: frozenset[Grant] = frozenset()
    everything: bool = False

    def allows(self, right: Right, site: int | None = None, trial: int | None = None) -> bool:
        """Whether the right is held at this site in this trial; None asks for any of them."""
        return self.everything or any(grant.covers(site, trial) for grant in self.granting(right))

    def allows_throughout(self, right: Right, site: int | None = None, trial: int | None = None) -> bool:
        """Whether the right is held at this whole site, in this whole trial; None asks for all of them."""
        return self.everything or any(
            grant.site in {None, site} and grant.trial in {None, trial} for grant in self.granting(right)
        )

    def narrowed(self, site: int | None, trial: int | None) -> Scope:
        """Return what of it holds at this site and in this trial; None stands for all of them."""
        if site is None and trial is None:
            return self
        held = {Grant(role) for role in ROLE_RIGHTS} if self.everything else self.grants
        narrowed = (grant.narrowed(site, trial) for grant in held)
        return Scope(frozenset(grant for grant in narrowed if grant is not None))

    def granting(self, right: Right) -> Iterator[Grant]:
        """The grants that give a right, somewhere."""
        return (grant for grant in self.grants if grant.allows(right))

    @property
    def roles(self) -> frozenset[str]:
        """The roles held anywhere."""
        return frozenset(grant.role for grant in self.grants)

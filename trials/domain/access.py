"""Who may do what: roles held at sites and in trials, and the acts they allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """Something that a person or a machine does and that not everybody may."""

    VIEW = "view"
    ENROL = "enrol"
    RECORD = "record"
    SUBSCRIBE = "subscribe"
    PUBLISH = "publish"
    ADMINISTER = "administer"


ROLE_ACTS: dict[str, frozenset[Act]] = {
    "coordinator": frozenset({Act.VIEW, Act.ENROL, Act.RECORD, Act.SUBSCRIBE}),
    "investigator": frozenset({Act.VIEW, Act.ENROL, Act.RECORD, Act.SUBSCRIBE}),
    "monitor": frozenset({Act.VIEW}),
    "data_manager": frozenset({Act.VIEW, Act.RECORD}),
    "designer": frozenset({Act.PUBLISH}),
    "administrator": frozenset({Act.ADMINISTER}),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role at a site and in a trial, by their ids; None stands for all of them."""

    role: str
    site: int | None = None
    trial: int | None = None

    def allows(self, act: Act) -> bool:
        """Whether the role allows the act, wherever it holds."""
        return act in ROLE_ACTS.get(self.role, frozenset())

    def covers(self, site: int | None, trial: int | None) -> bool:
        """Whether the role holds at this site and in this trial; None asks for any of them."""
        return self._meets(self.site, site) and self._meets(self.trial, trial)

    @staticmethod
    def _meets(granted: int | None, asked: int | None) -> bool:
        return granted is None or asked is None or granted == asked


@dataclass(frozen=True, slots=True)
class Scope:
    """All that one user may do on one day; `everything` is a superuser's."""

    grants: frozenset[Grant] = frozenset()
    everything: bool = False

    def allows(self, act: Act, site: int | None = None, trial: int | None = None) -> bool:
        """Whether the act is allowed at this site in this trial; None asks for any of them."""
        return self.everything or any(grant.covers(site, trial) for grant in self.granting(act))

    def granting(self, act: Act) -> Iterator[Grant]:
        """The grants that allow an act, somewhere."""
        return (grant for grant in self.grants if grant.allows(act))

    @property
    def roles(self) -> frozenset[str]:
        """The roles held anywhere."""
        return frozenset(grant.role for grant in self.grants)

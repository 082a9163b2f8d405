"""Who is told: the people a rule names, deputies for those who are away, others where nobody is left."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from trials.domain.words import mark as _


class Capacity(StrEnum):
    """As what somebody is told."""

    COORDINATOR = "coordinator"
    INVESTIGATOR = "investigator"
    DATA_MANAGER = "data_manager"
    MINE = "mine"
    OWNER = "owner"
    DEPUTY = "deputy"
    ESCALATION = "escalation"
    ADMINISTRATOR = "administrator"


CAPACITY_LABELS = {
    Capacity.COORDINATOR: _("Study coordinators of the site"),
    Capacity.INVESTIGATOR: _("Investigators of the site"),
    Capacity.DATA_MANAGER: _("Data managers"),
    Capacity.MINE: _("The participant's coordinator"),
    Capacity.OWNER: _("The person to whom the flag is assigned"),
    Capacity.DEPUTY: _("Deputy of somebody who is away"),
    Capacity.ESCALATION: _("Told because nobody acknowledged in time"),
    Capacity.ADMINISTRATOR: _("Administrators"),
}

FALL_BACK = (Capacity.INVESTIGATOR, Capacity.DATA_MANAGER)
"""Who is told in this order where nobody is left of those whom a rule names; assumed."""


@dataclass(frozen=True, slots=True)
class Told:
    """One person who is told, as what, and for whom where it is a deputy."""

    person: int
    capacity: Capacity
    instead_of: int | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """Who is there for a participant today, by id.

    `by_role` are those who hold a role there, by its name. `mine` is the participant's coordinator, `owner`
    who has the flag; both count only while they hold a role there (`may_record`). `away` are those who are
    away today or paused, each with a deputy where one is named.
    """

    by_role: Mapping[str, Sequence[int]]
    may_record: Collection[int] = ()
    mine: int | None = None
    owner: int | None = None
    away: Mapping[int, int | None] = field(default_factory=dict)

    def named(self, capacity: Capacity) -> Sequence[int]:
        """Give the people a rule means by this, whether they are there or not."""
        if capacity is Capacity.OWNER and self.owner in self.may_record and self.owner is not None:
            return [self.owner]
        if capacity in {Capacity.OWNER, Capacity.MINE}:
            if self.mine is not None and self.mine in self.may_record:
                return [self.mine]
            return self.by_role.get(Capacity.COORDINATOR, ())
        return self.by_role.get(capacity, ())


def people_to_tell(recipients: Sequence[Capacity], staff: Staff) -> list[Told]:
    """Give who is told, each once, in the order of the recipients.

    Who is away is not told; their deputy is, if there is one who holds a role there and is not away. Where
    the participant's coordinator is away without one, the other coordinators are told; where nobody is
    left, investigators are, and after them data managers, each as what they are: nobody was asked before
    them. Empty where there is nobody.
    """
    found = dict(_named(recipients, staff))
    if not found and {Capacity.MINE, Capacity.OWNER} & set(recipients):
        found = dict(_named((Capacity.COORDINATOR,), staff))
    for fall_back in FALL_BACK:
        if not found:
            found = dict(_named((fall_back,), staff))
    return list(found.values())


def people_to_escalate_to(staff: Staff, told: Collection[int]) -> list[Told]:
    """Give who is told because nobody acknowledged: investigators, else coordinators, else data managers.

    Those who are away or were told already are left out of each.
    """
    for capacity in (Capacity.INVESTIGATOR, Capacity.COORDINATOR, Capacity.DATA_MANAGER):
        there = [one for one in staff.by_role.get(capacity, ()) if one not in staff.away and one not in told]
        if there:
            return [Told(one, Capacity.ESCALATION) for one in there]
    return []


def _named(recipients: Sequence[Capacity], staff: Staff) -> Iterator[tuple[int, Told]]:
    seen: set[int] = set()
    for capacity in recipients:
        for person in staff.named(capacity):
            deputy = staff.away.get(person)
            if person not in staff.away:
                told = Told(person, capacity)
            elif deputy is not None and deputy in staff.may_record and deputy not in staff.away:
                told = Told(deputy, Capacity.DEPUTY, instead_of=person)
            else:
                continue
            if told.person not in seen:
                seen.add(told.person)
                yield told.person, told

"""In which phase of their course participants stand, in the database's words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Subquery, Value, When

from participants.domain.lifecycle import ENDS, MOVES, Extent, Phase, Step
from participants.models import Anchor, CourseStep, Participant
from schedules.models import Visit
from schedules.selectors.store.course import OWN_DAY
from trials.models import ProtocolVersion
from trials.selectors.records import protocol_of

_ENDING = {step.value: move.to.value for step, move in MOVES.items() if move.to in ENDS and move.to}
_TURNS = [*_ENDING, Step.RESCREENING.value]
_PAUSES = [Step.HOLD.value, Step.RESUMPTION.value]


def with_phase(people: QuerySet[Participant], phases: Collection[Phase] = ()) -> QuerySet[Participant]:
    """Annotate participants with their `phase`, a value of Phase; only those in these phases, if any.

    One query for the protocols.

    Says the same as `phase_of` of the whole record, so that a list can be filtered by it.
    """
    steps = CourseStep.objects.filter(participant=OuterRef("pk"), undone=False)
    turns = steps.filter(step__in=_TURNS).order_by("-id")
    pauses = steps.filter(step__in=_PAUSES).order_by("-id")
    given, began, again = _treatment()
    found = people.annotate(
        turn=Subquery(turns.values("step")[:1]),
        turn_ends=Subquery(turns.values("ends")[:1]),
        pause=Subquery(pauses.values("step")[:1]),
        attempts=Subquery(steps.order_by("-attempt").values("attempt")[:1]),
    )
    phase = Case(
        When(turn_ends=Extent.TREATMENT.value, then=Value(Phase.OFF_TREATMENT.value)),
        *(When(turn=step, then=Value(to)) for step, to in _ENDING.items()),
        When(given, then=Value(Phase.FOLLOW_UP.value)),
        When(~began & again, then=Value(Phase.REPEATING.value)),
        When(~began, then=Value(Phase.SCREENING.value)),
        When(pause=Step.HOLD.value, then=Value(Phase.ON_HOLD.value)),
        default=Value(Phase.CONDITIONING.value),
        output_field=CharField(),
    )
    found = found.annotate(phase=phase)
    return found.filter(phase__in=[one.value for one in phases]) if phases else found


def _treatment() -> tuple[Q, Q, Q]:
    """Whether the infusion was given, chemotherapy began, and chemotherapy of an earlier attempt did.

    Which anchors these are each protocol version says; versions that say the same are asked together.
    """
    versions: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for version in ProtocolVersion.objects.filter(published_at__isnull=False).defer("document"):
        protocol = protocol_of(version)
        marked = tuple(rule.code for rule in protocol.anchors if rule.point_of_no_return)
        versions[protocol.day_zero, marked].append(version.pk)
    given = began = again = Q(pk__in=[])
    for (zero, marked), ids in versions.items():
        here = Q(protocol_version__in=ids)
        given |= here & Q(_actual([zero]))
        began |= here & Q(_actual(marked))
        again |= here & Q(_done_before(marked))
    return given, began, again


def _actual(codes: Iterable[str]) -> Exists:
    actual = Anchor.objects.filter(participant=OuterRef("pk"), actual_on__isnull=False)
    return Exists(actual.filter(code__in=list(codes)))


def _done_before(codes: Iterable[str]) -> Exists:
    done = Visit.objects.done().filter(participant=OuterRef("pk"), offset=OWN_DAY)
    return Exists(done.filter(anchor_code__in=list(codes), attempt__lt=OuterRef("attempts")))

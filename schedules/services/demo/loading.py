"""Made-up participants and accounts for trying out; never where real ones are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from participants.services import ConsentGiven
from schedules.models import Visit, VisitPlace
from schedules.services.demo.bookings import book_around, book_back, furnish
from schedules.services.demo.cast import PARTS, SITES, Player, cast
from schedules.services.demo.events import Stage, let_happen
from schedules.services.demo.facts import record_demo_facts
from schedules.services.demo.trust import ASKS_AGAIN, put_to_use, record_consent_forms
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.refusals import Enrolment
from trials.audit.acts import recorded_as_caused
from trials.domain.audit.signing import Proof
from trials.domain.errors import DomainError
from trials.domain.protocols.protocol import Protocol
from trials.formats.protocols import library
from trials.formats.sites.holiday_calendars import CHINA, load_calendar
from trials.models import ConsentForm, ProtocolVersion, Role, Site, TrialSite, User
from trials.selectors.records import protocol_of
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.proofs import prove_by_password
from trials.services.protocols.publishing import import_protocol, publish_protocol
from trials.services.sites.working_days import Corrections, first_working_days, record_working_days

ACCOUNTS: Mapping[str, Role] = {
    "coordinator": Role.COORDINATOR,
    "investigator": Role.INVESTIGATOR,
    "monitor": Role.MONITOR,
    "manager": Role.DATA_MANAGER,
    "designer": Role.DESIGNER,
    "administrator": Role.ADMINISTRATOR,
}
"""The accounts of the demo with their roles; the manager may also open the records."""

FIRST = frozenset({"coordinator", "investigator", "monitor", "manager"})
"""The accounts by which a demo is recognised: one of an older release has no others."""

NAMES = {"coordinator": "Lin Qiu", "investigator": "Dr. Chen Yu", "monitor": "Mo Nan", "manager": "Gao Ming"}
"""The made-up names that stand printed under what they sign."""

PASSWORD = "dayzero-demo"  # noqa: S105 - no secret: it is printed, and refused where data are real
"""The password of all of them. It is known, so nothing real may be reached with it."""

ZONE = "Asia/Shanghai"
YEARS_BACK, YEARS_AHEAD = 2, 3
UNTIL_FESTIVAL = timedelta(days=60)
SCREENING = "screening"
DAYS_LATE = timedelta(days=2)
BATCH = 100


class DemoRefused(DomainError):
    """Made-up data must not come here."""


CARD = {
    "night_phone": "000 5550 1234",
    "day_phone": "000 5550 1200",
    "bring": "All medicines in their boxes, the temperature diary and this card.",
    "bring_zh": "正在使用的药物（连同药盒）、体温记录本和本卡。",
}
"""What the visit cards of every demo site say; no such numbers exist."""


@recorded_as_caused
def load_demo(*, today: date, now: datetime) -> bool:
    """Load the six protocols, and about forty participants around this day; False where they stand already.

    All or nothing, and never a second time: a demo that was loaded stays as people left it. Raises
    DemoRefused under settings that do not allow it, and where somebody else's data are.
    """
    if not settings.DEMO_ALLOWED:
        raise DemoRefused(_("Made-up participants and accounts are for trying out, never for production."))
    known = accounts_there()
    if FIRST.issubset(known):
        return False
    if known or Participant.objects.exists():
        raise DemoRefused(_("This database is in use; give the demo one of its own (DATABASE_URL)."))
    accounts = _load_accounts(today)
    versions = _load_protocols(accounts["manager"], now)
    sites = _load_sites(accounts["manager"], versions, today)
    signed_at = datetime.combine(today, now.astimezone(ZoneInfo(ZONE)).timetz())
    proof = _proof(accounts["investigator"], signed_at)
    put_to_use(sites, versions, by=accounts["investigator"], proof=proof, now=signed_at)
    players = cast(today, _next_festival(today))
    forms, newer_form = record_consent_forms(versions, by=accounts["coordinator"], today=today)
    enrolments = [
        _enrolment(player, versions[player.trial], sites[player.site], forms[player.trial])
        for player in players
    ]
    ids = bulk_enrol(enrolments=enrolments, by=accounts["coordinator"])
    _perform(dict(zip(ids, players, strict=True)), today)
    record_demo_facts(ids=ids, today=today, now=now, by=accounts["coordinator"])
    people = Participant.objects.select_related("site", "trial", "protocol_version").in_bulk(ids)
    stage = Stage(
        sites=sites,
        people={(one.site.code, one.subject_code): one for one in people.values()},
        today=today,
        now=signed_at,
        by=accounts,
        proof=proof,
    )
    let_happen(stage, versions, _newest(versions[ASKS_AGAIN]), newer_form)
    book_around(ids, today, ZoneInfo(ZONE))
    book_back(ids, today, ZoneInfo(ZONE))
    return True


def accounts_there() -> list[str]:
    """The accounts of the demo that this database has; one of an older release has not all of them."""
    known = set(User.objects.filter(username__in=ACCOUNTS).values_list("username", flat=True))
    return [name for name in ACCOUNTS if name in known]


def _load_accounts(today: date) -> dict[str, User]:
    accounts, hashed = {}, make_password(PASSWORD)
    for name, role in ACCOUNTS.items():
        chief = role == Role.DATA_MANAGER
        accounts[name] = User.objects.create(
            username=name,
            email=f"{name}@dayzero.example",
            password=hashed,  # one for all: to make another takes half a second
            is_staff=chief,
            is_superuser=chief,
            first_name=NAMES.get(name, ""),
        )
        grant_membership(user=accounts[name], role=role, starts_on=today, by=None)
    return accounts


def _load_protocols(by: User, now: datetime) -> dict[str, ProtocolVersion]:
    """Every edition of the six protocols published; gives by trial the one that its sites use.

    That is the newest, whose windows carry labels and ask each only what concerns them. One trial still
    uses its first edition: the newer one is there to be approved, and to bring people to.
    """
    versions = {}
    for code in library.codes():
        editions = [
            publish_protocol(
                version=import_protocol(text=library.path(name).read_text(encoding="utf-8"), by=by),
                by=by,
                now=now,
            )
            for name in library.editions(code)
        ]
        versions[code] = editions[0 if code == ASKS_AGAIN else -1]
    return versions


def _proof(who: User, now: datetime) -> Proof:
    return prove_by_password(user=who, user_name=who.get_username(), password=PASSWORD, now=now)


def _newest(version: ProtocolVersion) -> ProtocolVersion:
    """The last edition of this version's trial that was taken in."""
    return ProtocolVersion.objects.filter(trial=version.trial).latest("pk")


def newer_editions() -> list[str]:
    """The names of shipped editions of trials on record that nobody has taken in yet; two queries."""
    known = set(ProtocolVersion.objects.values_list("trial__code", "label"))
    trials = {code for code, _label in known}
    later = (name for code in library.codes() if code in trials for name in library.editions(code)[1:])
    return [name for name in later if tuple(name.split("@")) not in known]


def _load_sites(by: User, versions: Mapping[str, ProtocolVersion], today: date) -> dict[str, Site]:
    sites = {}
    for site in SITES:
        names = {
            name: getattr(site, name) for name in ("code", "name", "name_zh", "short_name", "short_name_zh")
        }
        sites[site.code] = Site.objects.create(zone=ZONE, **names, **CARD)
        record_working_days(
            site=sites[site.code],
            by=by,
            first_year=today.year - YEARS_BACK,
            last_year=today.year + YEARS_AHEAD,
            corrections=_open_today(sites[site.code], today),
        )
        furnish(sites[site.code])
    for part in PARTS:
        TrialSite.objects.get_or_create(trial=versions[part.trial].trial, site=sites[part.site])
    return sites


def _open_today(site: Site, today: date) -> Corrections:
    """An extra clinic today where there would be none, so that on any day somebody comes."""
    if first_working_days(site, today.year).is_working_day(today):
        return Corrections()
    return Corrections(openings={today: "Extra clinic of the demo"})


def _next_festival(today: date) -> date:
    """The first day of the next Spring Festival that an infusion still to come can have as its day 28."""
    holidays = load_calendar(CHINA, today.year, today.year + 2).holidays
    return min(day for day, name in holidays.items() if "Spring" in name and day > today + UNTIL_FESTIVAL)


def _enrolment(player: Player, version: ProtocolVersion, site: Site, form: ConsentForm) -> Enrolment:
    protocol, signed = protocol_of(version), player.actual.get("consent")
    return Enrolment(
        trial=version.trial,
        site=site,
        version=version,
        subject_code=player.subject_code,
        anchors={anchor.code: anchor for anchor in _anchors(player, protocol)},
        traits=player.traits & {trait.code for trait in protocol.traits},
        cohort=version.trial.cohorts.first(),
        comes_of_age_on=player.comes_of_age_on,
        consent=ConsentGiven(form, signed) if signed else None,
        no_consent_reason=_("The consent is still to be signed."),
        sure=True,
        reason="demonstration",
    )


def _anchors(player: Player, protocol: Protocol) -> Iterator[RecordedAnchor]:
    """The player's anchors, as far as the protocol has them for these traits."""
    traits = protocol.effective_traits(player.traits)
    for anchor in protocol.anchors:
        code = anchor.code
        given = code in player.planned or code in player.actual
        if given and (code != "lymphodepletion-start" or "lymphodepletion" in traits):
            yield RecordedAnchor(code, planned_on=player.planned.get(code), actual_on=player.actual.get(code))


def _perform(players: Mapping[int, Player], today: date) -> None:
    """Record what was done until yesterday; what can be done today is left to anyone who tries this out.

    Written as an import from another system would be: months of history at once, with none of what
    a person is asked for when a visit is completed.
    """
    followed: Counter[int] = Counter()
    done = []
    for visit in Visit.objects.filter(participant__in=players, target__lt=today).order_by("target", "id"):
        player = players[visit.participant_id]
        number = None
        if visit.place == VisitPlace.CLINIC and visit.target > player.planned["infusion"]:
            number = followed[visit.participant_id]
            followed[visit.participant_id] += 1
        day = _performed_on(visit, player, number)
        if day and day < today and (visit.closes < today or visit.rule_code == SCREENING):
            visit.performed_on = day
            done.append(visit)
    Visit.objects.bulk_update(done, ["performed_on"], batch_size=BATCH)


def _performed_on(visit: Visit, player: Player, number: int | None) -> date | None:
    """The day on which a visit of the past was done; `number` is a clinic visit's after the infusion."""
    if visit.rule_code == SCREENING:
        return player.actual.get(SCREENING)
    if number is not None and number == player.missed:
        return None
    late = number is not None and number == player.late
    return visit.closes + DAYS_LATE if late else visit.suggested or visit.target

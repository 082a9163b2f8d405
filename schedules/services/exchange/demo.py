"""An EDC to look at in the demo: a client, its map, and a day on which both do not agree."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db.models import Count

from participants.models import Participant
from schedules.domain.webhooks import PauseReason
from schedules.models import Visit, Webhook
from schedules.selectors.exchange.change_feed import last_number
from schedules.services.exchange.change_feed import feed_epoch, number_all_changes
from schedules.services.exchange.differences import Reported, keep_difference
from schedules.services.exchange.maps import MapContent, MapKey, name_subjects, save_map
from trials.audit.acts import recorded
from trials.models import ApiAct, ApiClient, Trial, TrialSite, User
from trials.outbound import new_signing_secret
from trials.selectors.records import protocol_of, published_versions
from trials.services.accounts.clients import ClientTerms, open_client
from trials.stored_secrets import encrypted

EDC, ENVIRONMENT, NAME = "rave", "training", "edc-training"


@recorded
def connect_demo_edc(*, today: date, now: datetime, by: User | None) -> None:
    """Connect a made-up EDC to the trial with the most participants; nothing where nobody takes part.

    Its client's secret is thrown away: anyone who wants to try it gives it another one on its page.
    """
    trial = _largest_trial()
    if trial is None:
        return
    terms = ClientTerms(trial=trial, acts=[ApiAct.READ, ApiAct.VISITS, ApiAct.MAP])
    client, _secret = open_client(
        name=NAME, terms=terms, today=today, now=now, by=by, reason="Made up, to look at."
    )
    _listen(client, now)
    version = published_versions(trial).first()
    codes = [rule.code for rule in protocol_of(version).visits] if version else []
    sites = list(
        TrialSite.objects.filter(trial=trial).order_by("site__code").values_list("site__code", flat=True)
    )
    content = MapContent(
        study_oid=f"{trial.code}(TRAIN)",
        sites={code: f"{number}01" for number, code in enumerate(sites, start=1)},
        events=[
            {
                "visit": code,
                "event_oid": code.upper().replace("-", "_"),
                "form_oid": "SV",
                "item_group_oid": "SV",
                "date_item_oid": "SV.SVSTDAT",
            }
            for code in codes
        ],
    )
    saved = save_map(key=MapKey(trial, EDC, ENVIRONMENT), version=None, content=content, by=by)
    people = Participant.objects.filter(trial=trial).order_by("pk")
    names = {person.subject_code: f"{trial.code}-{person.subject_code}" for person in people}
    name_subjects(edc_map=saved, names=names, by=by)
    _differ(trial, client.name, now=now, by=by)


def _listen(client: ApiClient, now: datetime) -> None:
    """Give it a webhook that is paused, to an address that nobody has: nothing is sent."""
    number_all_changes()
    Webhook.objects.create(
        client=client,
        url="https://edc.example/dayzero",
        secret=encrypted(new_signing_secret()),
        cursor=last_number(),
        epoch=feed_epoch(),
        paused_at=now,
        paused_because=PauseReason.BY_HAND,
    )


def _largest_trial() -> Trial | None:
    counted = Participant.objects.values("trial").annotate(people=Count("pk")).order_by("-people", "trial")
    found = counted.first()
    return Trial.objects.get(pk=found["trial"]) if found else None


def _differ(trial: Trial, client: str, *, now: datetime, by: User | None) -> None:
    """Let the EDC say the day before of the visit that was done last."""
    done = Visit.objects.filter(participant__trial=trial, performed_on__isnull=False)
    visit = done.select_related("participant").order_by("-performed_on", "-pk").first()
    if visit and visit.performed_on:
        theirs = str(visit.performed_on - timedelta(days=1))
        source = {"system": "Rave", "record": "SE-1"}
        reported = Reported("performed_on", theirs, client, visit=visit, source=source)
        keep_difference(
            participant=visit.participant, ours=str(visit.performed_on), reported=reported, now=now, by=by
        )

"""Protocol documents taken in and published."""

from __future__ import annotations

import re
from datetime import datetime

from django.utils.translation import gettext as _

from trials.acts import recorded
from trials.domain.errors import DomainError
from trials.domain.protocol import Protocol
from trials.formats import yaml
from trials.models import Cohort, ProtocolVersion, Trial, User

REGISTRY_ID = re.compile(r"NCT\d{8}")
UPLOADED = "document"


class VersionPublished(DomainError):
    """A published version stands: another content needs another version."""


@recorded
def import_protocol(*, text: str, by: User | None) -> ProtocolVersion:
    """The version in a document, as a draft, with its trial and that trial's dose levels.

    The same content again gives the version that is there; a draft of the same version is
    replaced. Raises ProtocolInvalid with all faults, VersionPublished where the version was
    published with other content.
    """
    protocol = yaml.load(text, UPLOADED).protocol
    digest = yaml.digest(protocol)
    trial, _created = Trial.objects.get_or_create(code=protocol.trial, defaults=_of_trial(protocol))
    Trial.objects.select_for_update().get(pk=trial.pk)
    found = ProtocolVersion.objects.filter(trial=trial, label=protocol.version).first()
    if found and found.digest == digest:
        return found
    if found and found.published_at:
        raise VersionPublished(
            _(
                "Version %(version)s of %(trial)s is published with other content; "
                "give the document another version."
            )
            % {"version": protocol.version, "trial": protocol.trial}
        )
    Trial.objects.filter(pk=trial.pk).update(**_of_trial(protocol))
    _set_cohorts(trial, protocol)
    version = found or ProtocolVersion(trial=trial, label=protocol.version)
    version.document, version.digest = text, digest
    version.save()
    return version


@recorded
def publish_protocol(*, version: ProtocolVersion, by: User | None, now: datetime) -> ProtocolVersion:
    """Freeze a version for good; one that is published already stands as it was.

    Raises ProtocolInvalid for a draft whose document has faults.
    """
    found = ProtocolVersion.objects.select_for_update().get(pk=version.pk)
    if found.published_at is None:
        found.digest = yaml.digest(yaml.load(found.document, str(found)).protocol)
        found.published_at, found.published_by = now, by
        found.save()
    return found


def _of_trial(protocol: Protocol) -> dict[str, object]:
    return {
        "title": protocol.title,
        "registry_id": protocol.trial if REGISTRY_ID.fullmatch(protocol.trial) else "",
        "planned_number": protocol.planned_number,
        "planned_end": protocol.planned_end,
    }


def _set_cohorts(trial: Trial, protocol: Protocol) -> None:
    for position, level in enumerate(protocol.dose_levels, start=1):
        Cohort.objects.update_or_create(
            trial=trial,
            code=level.code,
            defaults={"label": level.label, "position": position, "planned_number": level.planned},
        )

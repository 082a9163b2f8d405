"""Trials: a document taken in with its name outside, the names on pages, and the sites that run it."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.domain.errors import Refused, Stale
from trials.models import ProtocolVersion, Site, Trial, TrialSite, User
from trials.services.protocols.publishing import import_protocol

NAMES = ("short_name", "short_name_zh", "outside_name", "outside_name_zh")


class NotDesignedByYou(Refused):
    """Somebody gave a document of a trial that is not theirs to design; nothing of it is kept."""


@recorded
def take_in(
    *,
    text: str,
    outside_name: str,
    may_design: Callable[[Trial], bool],
    by: User | None,
    reason: str = "",
) -> ProtocolVersion:
    """Take a document in as a draft, unless its trial is not one that the person designs.

    Raises what `import_protocol` raises, NotDesignedByYou, and Refused where the trial's code names a disease
    and nobody said what it is called outside.
    """
    version = import_protocol(text=text, by=by)
    if not may_design(version.trial):
        words = _("Your role does not allow designing %(trial)s.") % {"trial": version.trial.code}
        raise NotDesignedByYou({"document": [words]})
    trial = version.trial
    trial.outside_name = outside_name.strip() or trial.outside_name
    _refuse_names(trial)
    if outside_name.strip():
        trial.save(update_fields=["outside_name"])
    return version


def shown_version(trial: Trial) -> int:
    """Return a number for what is on record of a trial's names: it differs once somebody changed them."""
    return zlib.crc32(repr([getattr(trial, name) for name in NAMES]).encode())


@recorded
def rename_trial(
    *, trial: Trial, version: int, names: dict[str, str], by: User | None, reason: str = ""
) -> Trial:
    """Change what a trial is called in lists and outside; `names` has the fields of NAMES.

    Raises Stale, and Refused for a name outside that names a disease.
    """
    found = Trial.objects.select_for_update(no_key=True).get(pk=trial.pk)
    if shown_version(found) != version:
        raise Stale("trials.trial", found.pk, version, shown_version(found))
    for name in NAMES:
        setattr(found, name, names.get(name, "").strip())
    _refuse_names(found)
    found.save(update_fields=list(NAMES))
    return found


@recorded
def run_at(*, trial: Trial, site: Site, by: User | None, reason: str = "") -> TrialSite:
    """Put on record that a trial runs at a site; where it does already, that row is given back."""
    running, _made = TrialSite.objects.get_or_create(trial=trial, site=site)
    return running


def _refuse_names(trial: Trial) -> None:
    try:
        trial.clean()
    except ValidationError as error:
        raise Refused({name: tuple(map(str, said)) for name, said in error.message_dict.items()}) from error

"""Words for what models leave nameless: fields and tables whose names Django makes from the code's own."""

from __future__ import annotations

from django.db.models import Field, Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

FIELDS = {
    "ID": _("number"),
    "amendmentrun": _("amendment"),
    "anchor at": _("hour of the anchor"),
    "anchor kind": _("planned or actual anchor"),
    "anchor on": _("day of the anchor"),
    "attempt": _("attempt"),
    "basis": _("basis"),
    "because": _("because"),
    "by": _("by whom"),
    "cancelled by": _("cancelled by the step"),
    "cancelled on": _("cancelled on"),
    "cancelled reason": _("why cancelled"),
    "checked by": _("checked by"),
    "cleared by": _("cleared by"),
    "client": _("API client"),
    "cohort": _("cohort"),
    "corrects": _("corrects"),
    "created at": _("recorded at"),
    "created by": _("recorded by"),
    "data": _("data"),
    "delivery": _("delivery"),
    "detail": _("details"),
    "digest": _("digest"),
    "done at": _("done at"),
    "done under": _("done under version"),
    "ended": _("ended"),
    "ends at": _("ends at the hour"),
    "evidence": _("evidence"),
    "form": _("consent form"),
    "from version": _("from version"),
    "group": _("group"),
    "key": _("its key"),
    "last used at": _("last used at"),
    "map": _("map of an EDC"),
    "missed reason": _("why missed"),
    "object id": _("number of the record"),
    "occurrence": _("which repeat"),
    "offset": _("distance from the anchor"),
    "owner": _("owner"),
    "participant": _("participant"),
    "permission": _("permission"),
    "person": _("person"),
    "previous until": _("previous secret valid until"),
    "protocol version": _("protocol version"),
    "published by": _("published by"),
    "recorded at": _("recorded at"),
    "recorded by": _("recorded by"),
    "replaces": _("replaces the token"),
    "resource": _("resource"),
    "revoked at": _("revoked at"),
    "rule code": _("code of the rule"),
    "run": _("amendment"),
    "settled by": _("settled by"),
    "site": _("site"),
    "started by": _("begun by"),
    "starts at": _("starts at the hour"),
    "target at": _("target at the hour"),
    "timing basis": _("basis of the timing"),
    "to version": _("to version"),
    "tolerance basis": _("basis of the tolerance"),
    "trial": _("trial"),
    "type": _("kind"),
    "uid": _("number in calendars"),
    "undone": pgettext_lazy("status change", "withdrawn"),
    "unscheduled": _("unscheduled"),
    "user": _("account"),
    "verdicts": _("verdicts"),
    "version": _("version of the record"),
    "visit": _("visit"),
    "why shifted": _("why shifted"),
    "window": _("window"),
    "withdrawn at": _("withdrawn at"),
}
MODELS = {
    "trials.user_groups": _("group of an account"),
    "trials.user_user_permissions": _("permission of an account"),
    "schedules.amendmentrun_sites": _("site of an amendment"),
    "schedules.amendmentstep": _("step of an amendment"),
    "mfa.authenticator": _("second factor"),
}


def field_name(field: Field[object, object]) -> str:
    """What a field is called: as its model says, else in the words above, else by its own name."""
    name = field.verbose_name
    return str(name if isinstance(name, Promise) else FIELDS.get(name, name))


def kind_name(model: type[Model]) -> str:
    """What a kind of record is called, in the same way."""
    meta = model._meta  # noqa: SLF001 (public by custom)
    return str(MODELS.get(meta.label_lower, meta.verbose_name))

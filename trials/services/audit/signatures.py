"""Signing: one act by which a person stands for what is on record."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from trials.audit.acts import acting
from trials.domain.audit.own_reasons import SIGNED_WITH
from trials.domain.audit.signing import Content, Proof, canonical_text, digest_of
from trials.domain.errors import Refused, Stale
from trials.models import Meaning, Signature, User
from trials.selectors.protocols.approvals import Signable, signing_roles
from trials.services.accounts.account_changes import refusal_to_sign
from trials.zones import roles_day, server_zone, zone_of


class SigningRefused(Refused):
    """Something cannot be signed so; `fields` says what would be right."""


@transaction.atomic
def sign(
    *, record: Signable, meaning: Meaning | str, shown: str, by: User, proof: Proof, now: datetime
) -> Signature:
    """A signature with printed name, time in the site's zone and meaning, bound to what is signed.

    `shown` is the digest of the content that the signer was shown. Raises SigningRefused for
    somebody who is no investigator there, an account without a name or one that somebody else changed,
    a proof of another account or of long ago, what cannot be signed yet, and the same signature
    twice; Stale where the record changed since it was shown. The record is locked meanwhile.
    """
    by = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    zone = (zone_of(record.site) if record.site else server_zone()).key
    today = roles_day(now)
    roles = signing_roles(by, record.site, record.trial, today)
    _refuse(record, meaning, roles, by, proof, now)
    held = refusal_to_sign(user=by, proof=proof, now=now, today=today)
    if held:
        raise SigningRefused({"": [held]})
    text = canonical_text(_locked_content(record))
    digest = digest_of(text)
    if shown != digest:
        raise Stale(record.model, record.object_id, shown=0, version=1)
    same = Signature.objects.filter(model=record.model, object_id=record.object_id, digest=digest)
    if same.filter(user=by, meaning=meaning).exists():
        raise SigningRefused({"": [_("You have already signed exactly this, and your signature is valid.")]})
    with acting(by, SIGNED_WITH[proof.how]):
        return Signature.objects.create(
            user=by,
            printed_name=by.get_full_name(),
            roles=roles,
            meaning=Meaning(meaning),
            signed_at=now,
            zone=zone,
            model=record.model,
            object_id=record.object_id,
            content=text,
            digest=digest,
            trial=record.trial,
            site=record.site,
        )


def _locked_content(record: Signable) -> Content:
    """Give what is on record, with its rows locked, so that nobody changes it before the signature stands."""
    # In the order of ids: two who sign at once would else hold a row each and wait for the other's.
    for rows in record.rows:
        list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk"))
    return record.read_again() if record.read_again else record.content


def _refuse(
    record: Signable, meaning: Meaning | str, roles: str, by: User, proof: Proof, now: datetime
) -> None:
    refused: dict[str, list[str]] = {}
    if record.refusal:
        refused.setdefault("", []).append(record.refusal)
    if not roles:
        refused.setdefault("", []).append(_("Only an investigator of this site and trial signs here."))
    if not by.get_full_name():
        refused.setdefault("", []).append(
            _("Your account has no name to print under a signature: ask an administrator to enter it.")
        )
    if meaning not in Meaning.values:
        refused["meaning"] = [_("Say what your signature means: choose one of the sentences.")]
    if not proof.holds_for(by.pk, now):
        refused["password"] = [_("Prove again who you are: user name and password, or a passkey.")]
    if refused:
        raise SigningRefused(refused)

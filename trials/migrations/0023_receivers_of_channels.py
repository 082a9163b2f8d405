"""Know by a sign whom each channel reaches: two that reach one robot say a thing once.

It is made of the address, which is stored encrypted; where it cannot be read, a channel counts by itself.
How addresses were written and secrets kept at the time stands here, since a migration must do the same
whatever becomes of the code: `trials.domain.channels.kinds` and `trials.stored_secrets` say how it is now.
"""

import json
import re
from contextlib import suppress
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import IntegrityError, migrations, models, transaction
from django.utils.crypto import salted_hmac

NUMBER = r"\+?[0-9]{5,15}"
# kind: schemes, the address as the receiver shows it, what stands behind the scheme
KINDS = {
    "wecom": (
        ("wecombot",),
        r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send/?\?key=([A-Za-z0-9_-]+)",
        r"[A-Za-z0-9_-]+",
    ),
    "dingtalk": (
        ("dingtalk",),
        r"https://oapi\.dingtalk\.com/robot/send/?\?access_token=([A-Za-z0-9]+)",
        r"(?:[^@]*@)?[A-Za-z0-9]+",
    ),
    "feishu": (
        ("feishu",),
        r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([A-Za-z0-9_-]+)/?",
        r"[A-Za-z0-9_-]+",
    ),
    "twilio": (("twilio",), "", rf"AC[A-Fa-f0-9]+:[A-Za-z0-9]+@{NUMBER}/{NUMBER}/?"),
    "vonage": (("vonage",), "", rf"[A-Za-z0-9]+:[A-Za-z0-9]+@{NUMBER}/{NUMBER}/?"),
    "sinch": (("sinch",), "", rf"[A-Fa-f0-9]+:[A-Fa-f0-9]+@{NUMBER}/{NUMBER}/?"),
    "clicksend": (("clicksend",), "", rf"[^:/@?\s]+:[A-Za-z0-9-]+@{NUMBER}/?"),
    "smseagle": (("smseagles", "smseagle"), "", rf"[A-Za-z0-9_-]+@[A-Za-z0-9.:\[\]-]+/{NUMBER}/?"),
}


def recognise(apps, schema_editor):
    channels = list(apps.get_model("trials", "channel").objects.all())
    if not channels or not settings.STORED_SECRET_KEYS:
        return
    with suppress(ValueError):  # a key that is none: no address can be read
        box = MultiFernet([Fernet(key.strip()) for key in settings.STORED_SECRET_KEYS])
        for channel in channels:
            with suppress(InvalidToken, IntegrityError, ValueError, KeyError):
                address = json.loads(box.decrypt(channel.secret.encode()))["address"]
                if name := receiver_of(channel.kind, address.strip()):
                    channel.receiver = sign_of(name)
                    with transaction.atomic():
                        channel.save(update_fields=["receiver"])


def sign_of(name):
    """By which sign a receiver is known again, where its address may not be read from it."""
    return salted_hmac("trials.stored_secrets", name, algorithm="sha256").hexdigest()[:30]


def receiver_of(kind, address):
    """Whom an address reaches, without what only opens or signs it; nothing where it cannot be one."""
    scheme, _colon, rest = address.partition("://")
    parts = urlsplit(address)
    if kind == "webhook":
        return f"webhook:{parts.netloc.lower()}{parts.path}?{parts.query}"
    if kind == "ntfy":
        host, port = parts.hostname or "", parts.port
        where = f"[{host}]" if ":" in host else host
        where = where if port is None else f"{where}:{port}"
        return f"ntfy:{where}/{parts.path.strip('/')}/"
    schemes, shown, behind = KINDS[kind]
    if scheme.lower() not in schemes:
        found = re.fullmatch(shown, address) if shown else None
        rest = found[1] if found else ""
    if not re.fullmatch(behind, rest):
        return None
    return f"{kind}:{rest.rpartition('@')[2].rstrip('/')}"


class Migration(migrations.Migration):
    dependencies = [("trials", "0022_chinese_name_outside")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="receiver",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=30),
        ),
        migrations.RunPython(recognise, migrations.RunPython.noop),
    ]

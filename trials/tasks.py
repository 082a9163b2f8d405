"""What beat rings for: the audit trail is sealed, and the heads leave the machine."""

from celery import shared_task
from django.utils import timezone

from trials.services.accounts.account_changes import tell_owners
from trials.services.audit.sealing import seal_and_hand_out


@shared_task
def seal() -> None:
    """Seal what the trail has gained, and hand out what has not left yet."""
    seal_and_hand_out(now=timezone.now())


@shared_task
def tell_owners_of_accounts() -> None:
    """Tell those whose e-mail about their account did not leave."""
    tell_owners(now=timezone.now())

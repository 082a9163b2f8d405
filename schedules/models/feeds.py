"""Calendars that phones read: subscriptions, what they showed last, and the bytes that are kept of it."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.models import Participant
from schedules.domain.feeds import AlarmAhead, FeedContent
from schedules.models.visits import ProtocolWindow, Visit
from trials.models import Cohort, Site, Trial, User
from trials.models.enumerated import only

FARTHEST_DAYS = 3660
"""How far back and ahead a subscription may be limited to; ten years, and no limit is every day."""


class CalendarState(models.Model):
    """The revision of what a participant's calendar shows; it rises with every change that feeds render."""

    audited = False

    participant = models.OneToOneField(
        Participant, on_delete=models.PROTECT, primary_key=True, related_name="calendar_state"
    )
    revision = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.participant_id} r{self.revision}"


class AlarmChoice(models.TextChoices):
    """When a phone reminds of a booked visit."""

    NONE = AlarmAhead.NONE.value, _("no alarm")
    HOUR = AlarmAhead.HOUR.value, _("an hour before")
    DAY = AlarmAhead.DAY.value, _("a day before")


class CalendarFeed(models.Model):
    """A secret address of a calendar, kept as the SHA-256 of its token, and what its owner chose.

    Of a participant, a site, a trial or a cohort; of none of these: everybody whom the owner may follow.
    Without `days_back` or `days_ahead` the calendar has no limit on that side. `form_key` is the digest of
    the form that made it, so that no form makes two.
    """

    audit_hidden = ("token_digest", "form_key", "last_fetched_at", "last_client")

    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    form_key = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="calendar_feeds")
    participant = models.ForeignKey(
        Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="feeds"
    )
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="feeds")
    trial = models.ForeignKey(Trial, null=True, blank=True, on_delete=models.PROTECT, related_name="feeds")
    cohort = models.ForeignKey(Cohort, null=True, blank=True, on_delete=models.PROTECT, related_name="feeds")
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default="en", db_default="en"
    )
    only_booked = models.BooleanField(_("booked visits only"), default=False, db_default=False)
    window_bars = models.BooleanField(_("visit windows as bars"), default=False, db_default=False)
    protocol_windows = models.BooleanField(_("protocol windows"), default=False, db_default=False)
    to_book = models.BooleanField(_("visits still to be booked"), default=False, db_default=False)
    keep_cancelled = models.BooleanField(_("keep cancelled visits 30 days"), default=True, db_default=True)
    subject_codes = models.BooleanField(_("subject codes in the calendar"), default=True, db_default=True)
    alarm = models.CharField(
        _("alarm"), max_length=8, choices=AlarmChoice.choices, default="none", db_default="none"
    )
    days_back = models.PositiveSmallIntegerField(
        _("days back"), null=True, blank=True, validators=[MaxValueValidator(FARTHEST_DAYS)]
    )
    days_ahead = models.PositiveSmallIntegerField(
        _("days ahead"), null=True, blank=True, validators=[MaxValueValidator(FARTHEST_DAYS)]
    )
    compressed = models.BooleanField(_("compressed where the client asks"), default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now())
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_fetched_at = models.DateTimeField(_("last fetched"), null=True, blank=True, editable=False)
    last_client = models.CharField(
        _("calendar program"), max_length=40, blank=True, default="", db_default="", editable=False
    )

    class Meta:
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")
        constraints = [
            models.CheckConstraint(
                condition=Q(participant__isnull=True, site__isnull=True, trial__isnull=True)
                | Q(participant__isnull=True, site__isnull=True, cohort__isnull=True)
                | Q(participant__isnull=True, trial__isnull=True, cohort__isnull=True)
                | Q(site__isnull=True, trial__isnull=True, cohort__isnull=True),
                name="feed_of_one_thing",
            ),
            only("alarm", AlarmChoice.values, name="feed_alarm_known"),
            only("language", [code for code, _name in settings.LANGUAGES], name="feed_language_known"),
        ]

    def __str__(self) -> str:
        return f"feed {self.pk}"

    @property
    def content(self) -> FeedContent:
        """What goes into this calendar, as a value."""
        return FeedContent(
            language=self.language,
            only_booked=self.only_booked,
            window_bars=self.window_bars,
            protocol_windows=self.protocol_windows,
            to_book=self.to_book,
            keep_cancelled=self.keep_cancelled,
            subject_codes=self.subject_codes,
            alarm=AlarmAhead(self.alarm),
            days_back=self.days_back,
            days_ahead=self.days_ahead,
        )


class FeedShown(models.Model):
    """What a feed showed when it was last fetched, and since when: its validators, in one row."""

    audited = False

    feed = models.OneToOneField(
        CalendarFeed, on_delete=models.CASCADE, primary_key=True, related_name="shown"
    )
    digest = models.CharField(max_length=64)
    changed_at = models.DateTimeField()
    basis = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="The digest of what it was made from: while that is the same, nothing is looked at again.",
    )
    day = models.DateField(null=True, blank=True, help_text="The day at the site on which that was so.")
    style = models.CharField(max_length=48, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.feed_id} {self.digest}"


class EntryStamp(models.Model):
    """What an entry in calendars showed when it was last given out, and the stamp it went with."""

    audited = False

    digest = models.CharField(max_length=64)
    edition = models.CharField(max_length=24)
    sequence = models.PositiveIntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.pk} r{self.sequence}"


class VisitStamp(EntryStamp):
    """The stamp of a visit."""

    visit = models.OneToOneField(Visit, on_delete=models.CASCADE, primary_key=True, related_name="stamp")


class WindowStamp(EntryStamp):
    """The stamp of a protocol window."""

    window = models.OneToOneField(
        ProtocolWindow, on_delete=models.CASCADE, primary_key=True, related_name="stamp"
    )


class CalendarChunk(models.Model):
    """The rendered entries of one participant in one style, joined; feeds of the same style share it.

    `basis` says what it was made from, `digest` is that of `entries`. `entries` says of each entry
    its key, the digest of what it shows, its first and last day, the first day on which it is gone, and its
    length in bytes. `first` and `last` bound all of them; on `until` the first one leaves by itself.
    """

    audited = False

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+", db_index=False)
    style = models.CharField(max_length=48)
    basis = models.TextField()
    digest = models.CharField(max_length=32)
    first = models.DateField(null=True)
    last = models.DateField(null=True)
    until = models.DateField(null=True)
    entries = models.TextField()
    # Last in the table: SQLite would read the bytes of every chunk to reach a column behind them.
    body = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["style", "participant"], name="chunk_once_per_style")]

    def __str__(self) -> str:
        return f"{self.participant_id} {self.style}"

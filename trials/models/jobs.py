"""Long work that somebody asked for: how far it has come, and the file that it made."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from trials.models.enumerated import choices_of, only
from trials.models.users import User

JOB_KINDS = {"trial-export": _("Export of a trial")}


class Job(models.Model):
    """One piece of long work in the background: waiting, going on, done, failed or cancelled.

    `alive_at` is when it last said that it goes on; where that is long ago, another worker begins it again.
    What it is about is a number and no reference: a frozen trial is exported too. The export itself stands
    in the trail.
    """

    audited = False

    kind = models.CharField(_("kind"), max_length=20, choices=choices_of(JOB_KINDS))
    about = models.PositiveBigIntegerField()
    label = models.CharField(_("what"), max_length=120)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked at"))
    begun_at = models.DateTimeField(_("begun at"), null=True, blank=True)
    alive_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveBigIntegerField(_("rows done"), default=0)
    total = models.PositiveBigIntegerField(_("rows in all"), default=0)
    cancel_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    failure = models.CharField(_("failure"), max_length=120, blank=True)
    file_name = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-id",)
        constraints = [only("kind", JOB_KINDS, name="job_kind")]
        indexes = [models.Index(fields=["id"], condition=Q(finished_at__isnull=True), name="job_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def state(self) -> str:
        """Where it stands: waiting, running, cancelling, cancelled, failed or done."""
        if self.finished_at is not None:
            return "failed" if self.failure else "cancelled" if not self.file_name else "done"
        if self.cancel_at is not None:
            return "cancelling"
        return "waiting" if self.begun_at is None else "running"

    @property
    def percent(self) -> int:
        """How much is behind, in whole percent; 100 only once it is finished."""
        if self.state == "done":
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0


class JobPart(models.Model):
    """A piece of the file that a job made: in the database, since workers and web share no disk."""

    audited = False

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="job_part_once")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.number}"

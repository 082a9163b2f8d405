"""What is kept of the running system itself: the last run of each task, and the backups."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TaskRun(models.Model):
    """The last run of one task: when, for how long, and how often it has failed. One row a task.

    `waited` is how many seconds passed between the ring of the bell and the start.
    """

    audited = False

    task = models.CharField(_("task"), max_length=120, unique=True)
    queue = models.CharField(_("queue"), max_length=40, blank=True)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    seconds = models.FloatField(_("seconds"), null=True, blank=True)
    waited = models.FloatField(_("seconds waited"), null=True, blank=True)
    runs = models.PositiveBigIntegerField(_("runs"), default=0)
    failures = models.PositiveBigIntegerField(_("failures"), default=0)
    failed_at = models.DateTimeField(_("last failure"), null=True, blank=True)
    error = models.CharField(_("kind of the last failure"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("run of a task")
        verbose_name_plural = _("runs of tasks")
        ordering = ("task",)

    def __str__(self) -> str:
        return self.task


class BackupRun(models.Model):
    """One backup: what it is called, how large it is, and the last link of the audit trail in it.

    Without `finished_at` it has failed or is still being made; `error` is the kind of the failure.
    """

    audited = False

    name = models.CharField(_("file"), max_length=200)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    size = models.PositiveBigIntegerField(_("bytes"), default=0)
    digest = models.CharField(_("digest"), max_length=64, blank=True)
    last_link = models.BigIntegerField(_("last link"), default=0)
    error = models.CharField(_("kind of the failure"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name

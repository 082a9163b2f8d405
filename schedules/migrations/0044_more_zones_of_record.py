from zoneinfo import ZoneInfo

from django.db import migrations, models
from django.db.models import OuterRef, Subquery

HOURS = (("arrived_on", "arrived_at", "arrived_zone"), ("booked_on", "booked_start", "booked_zone"))


def name_zones(apps, schema_editor):
    """Give every arrival and booking with an hour the zone of the site that its participant was at.

    That is the present site's, unless they were transferred after that day. Where its clocks give another
    day than the one on record, it is the first zone of any site by whose clocks that day is right.
    """
    rows, sites = apps.get_model("schedules", "Visit").objects, apps.get_model("trials", "Site").objects
    people = apps.get_model("participants", "Participant").objects.filter(pk=OuterRef("participant"))
    zones = [zone for zone in sites.values_list("zone", flat=True).distinct() if is_zone(zone)]
    earlier = periods(apps)
    for on, at, named in HOURS:
        found = rows.filter(**{f"{at}__isnull": False})
        found.update(**{named: Subquery(people.values("site__zone")[:1])})
        other = []
        for pk, person, day, instant, zone in found.values_list("pk", "participant_id", on, at, named).iterator():
            likely = [left for ended, left in earlier.get(person, ()) if day <= ended][:1] or [zone]
            if likely == [zone] and is_zone(zone) and day_in(zone, instant) == day:
                continue
            fits = [name for name in (*likely, zone, *zones) if is_zone(name) and day_in(name, instant) == day]
            other.append((pk, fits[0] if fits else zone))
        for pk, zone in other:
            rows.filter(pk=pk).update(**{named: zone})


def name_days(apps, schema_editor):
    """Give every step of an amendment the day that it was then at the site that its participant was at."""
    earlier = periods(apps)
    rows = apps.get_model("schedules", "AmendmentStep").objects
    found = rows.filter(done_at__isnull=False).values_list("pk", "participant_id", "participant__site__zone", "done_at")
    days = []
    for pk, person, zone, at in found.iterator():
        left = (name for ended, name in earlier.get(person, ()) if is_zone(name) and day_in(name, at) <= ended)
        name = next(left, zone if is_zone(zone) else "UTC")
        days.append((pk, day_in(name, at)))
    for pk, day in days:
        rows.filter(pk=pk).update(done_on=day)


def periods(apps):
    """The last day and the zone of each site that somebody has left, the first one first, by participant."""
    found = {}
    rows = apps.get_model("participants", "SitePeriod").objects.order_by("ended_on", "pk")
    for person, ended, zone in rows.values_list("participant_id", "ended_on", "site__zone"):
        found.setdefault(person, []).append((ended, zone))
    return found


def day_in(zone, instant):
    return instant.astimezone(ZoneInfo(zone)).date()


def is_zone(name):
    try:
        return bool(name) and bool(ZoneInfo(name))
    except (ValueError, OSError):
        return False


class Migration(migrations.Migration):

    dependencies = [
        ('participants', '0016_named_by_index'),
        ('schedules', '0043_few_by_state'),
        ('trials', '0023_receivers_of_channels'),
    ]

    operations = [
        migrations.AddField(
            model_name='amendmentstep',
            name='done_on',
            field=models.DateField(blank=True, help_text="The day that it was then at the participant's site.", null=True, verbose_name='done on'),
        ),
        migrations.AddField(
            model_name='visit',
            name='arrived_zone',
            field=models.CharField(blank=True, db_default='', default='', max_length=64, verbose_name='zone of the arrival'),
        ),
        migrations.AddField(
            model_name='visit',
            name='booked_zone',
            field=models.CharField(blank=True, db_default='', default='', max_length=64, verbose_name='zone of the booking'),
        ),
        migrations.RunPython(name_zones, migrations.RunPython.noop),
        migrations.RunPython(name_days, migrations.RunPython.noop),
    ]

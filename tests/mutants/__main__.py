"""Plant faults and see which the tests notice: `make mutants`.

    python -m tests.mutants                     the faults of by_hand.py; 1 if one of them survives
    python -m tests.mutants --drawn 2           two drawn of each module of the domain and twenty services
    python -m tests.mutants --drawn 5 replanning --seed 3

Every fault is one change in one file, read in place of that file: no file is touched, and the tests are
those of a copy made at the beginning. A fault is tried by the tests that call its function,
the nearest first, then by what else stands in their files, and outside of functions by the whole unit
lane. One that survives is a place to look: either a test is missing, or the two spellings mean the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.mutants.by_hand import MUTANTS
from tests.mutants.drawn import changes_in, drawn_from
from tests.mutants.lane import Fault, Lane
from tests.mutants.trying import tried

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "config", "trials", "participants", "schedules", "templates", "static", "locale", "tests", "docs",
    "pyproject.toml", "manage.py", "requirements.txt",
)  # fmt: skip
APPS = ("trials", "participants", "schedules")
NOTES = ROOT / ".pytest_cache" / "d" / "mutants"
PROCESSES = int(os.environ.get("PROCESSES", "2"))
SHORT = ("-m", "not long and not by_command")
PLUGINS = ("schemathesis", "valkey", "playwright", "xdist", "randomly", "anyio")
WITHOUT = tuple(word for plugin in PLUGINS for word in ("-p", f"no:{plugin}"))
UNIT = Lane("unit", ("tests/unit",), (*WITHOUT, "-p", "no:django", "-p", "no:cacheprovider"), whole=True)
# The services that were changed most often: what a coordinator's acts and the sweeps go through.
SERVICES = (
    "schedules/services/course/repetition.py",
    "schedules/services/course/rescreening_and_transfer.py",
    "schedules/services/course/status_changes.py",
    "schedules/services/visits/appointments.py",
    "schedules/services/visits/completion.py",
    "schedules/services/enrolment/refusals.py",
    "schedules/services/replanning/moves.py",
    "schedules/services/availability/site_days.py",
    "schedules/services/reminders/ledger.py",
    "participants/services/absences.py",
    "schedules/services/reminders/by_channel.py",
    "schedules/services/reminders/sweeping.py",
    "schedules/services/readiness/gates.py",
    "schedules/services/replanning/previews.py",
    "schedules/services/replanning/amendments.py",
    "schedules/services/exchange/reports.py",
    "schedules/services/deviations/classification.py",
    "schedules/services/course/rehearsals.py",
    "schedules/services/windows/facts.py",
    "schedules/services/windows/flags.py",
)
# What tries them, and the modules of the domain that no test of the unit lane calls.
NEAREST = (
    "api/test_differing_activities.py",
    "course/test_course.py", "course/test_ends.py", "course/test_holds.py", "course/test_holds_kept.py",
    "course/test_overtaken.py", "course/test_rehearsals.py", "course/test_site_periods.py",
    "deviations/test_at_once.py", "deviations/test_deviations.py", "deviations/test_drafts.py",
    "deviations/test_histories.py", "enrolment/test_enrolment.py", "readiness/test_gates_of_others.py",
    "readiness/test_start_flags.py", "reminders/test_bell.py", "reminders/test_channels.py",
    "reminders/test_delivery.py", "reminders/test_one_robot.py", "reminders/test_reminders.py",
    "reminders/test_rules.py",
    "replanning/amendments/test_amendments.py", "replanning/amendments/test_changed_meanwhile.py",
    "replanning/amendments/test_given_before.py", "replanning/amendments/test_version_then.py",
    "replanning/test_reality.py", "replanning/test_replanning.py", "replanning/test_replanning_site.py",
    "sites/test_sites.py", "store/test_lengths.py", "visits/test_clashes.py", "visits/test_plausible_days.py",
    "visits/test_second_doses.py", "visits/test_unlikely_days_everywhere.py", "visits/test_visits.py",
    "visits/test_what_happened.py", "visits/test_zones_of_others.py", "web/test_differences.py",
    "windows/test_asked_once.py", "windows/test_facts.py", "windows/test_facts_of_one_day.py",
    "windows/test_flags.py", "windows/test_gates.py", "windows/test_sweep.py",
    "windows/test_sweep_beside_acts.py", "windows/test_verdicts_previewed.py",
)  # fmt: skip
OF_SERVICES = Lane(
    "services", tuple(f"tests/integration/{file}" for file in NEAREST), (*WITHOUT, *SHORT), whole=False
)


def by_hand(wanted: Sequence[str]) -> Iterator[Fault]:
    """The faults that somebody thought of."""
    for mutant in MUTANTS:
        if not wanted or any(word in mutant.file for word in wanted):
            sound = (ROOT / mutant.file).read_text("utf-8")
            planted = sound.replace(mutant.old, mutant.new, 1).encode()
            line = sound[: sound.index(mutant.old)].count("\n") + 1
            yield Fault(mutant.file, planted, line, mutant.fault)


def modules(wanted: Sequence[str]) -> list[str]:
    """List the modules of the domain and the busiest services in which a fault can be drawn."""
    domain = (
        str(file.relative_to(ROOT)) for app in APPS for file in sorted(ROOT.glob(f"{app}/domain/**/*.py"))
    )
    named = [
        module for module in (*domain, *SERVICES) if not wanted or any(word in module for word in wanted)
    ]
    return [module for module in named if changes_in((ROOT / module).read_bytes())]


def drawn(wanted: Sequence[str], each: int, seed: int) -> Iterator[Fault]:
    """Faults of every one of these modules."""
    for module in modules(wanted):
        source = (ROOT / module).read_bytes()
        for change in drawn_from(module, source, each, seed):
            words = " ".join(f"line {change.line}: {change.old} -> {change.new}".split())
            yield Fault(module, change.planted_in(source), change.line, words)


def copy_tree(folder: Path) -> Path:
    """A copy of what the tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder


def notes_of(tree: Path, lane: Lane) -> Path:
    """Name the file where it is kept who calls what: another one when a source or a test has changed."""
    digest = hashlib.sha256(repr((sys.version, lane)).encode())
    sources = (file for name in (*APPS, "config", "tests") for file in (tree / name).glob("**/*.py"))
    for file in sorted(file for file in sources if "mutants" not in file.parts):
        digest.update(f"{file.relative_to(tree)}\n".encode() + file.read_bytes())
    return NOTES / f"{lane.name}-{digest.hexdigest()}.json"


def main() -> int:
    """Try what was asked for; 1 if a fault of by_hand.py survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("files", nargs="*", help="only files whose path contains one of these")
    parser.add_argument("--drawn", type=int, default=0, metavar="N", help="draw N faults of each module")
    parser.add_argument("--seed", type=int, default=1, help="which ones are drawn")
    parser.add_argument("--near", action="store_true", help="try each only by the tests of its room")
    asked = parser.parse_args()
    faults = list(drawn(asked.files, asked.drawn, asked.seed) if asked.drawn else by_hand(asked.files))
    counted: Counter[bool] = Counter()

    def told(fault: Fault, alive: bool) -> None:
        counted[alive] += 1
        print(f"{'SURVIVED' if alive else 'killed':8}  {fault.file}: {fault.words}", flush=True)

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = copy_tree(Path(folder).resolve())
        left = [fault for fault in faults if "/services/" in fault.file]
        if of_domain := [fault for fault in faults if fault not in left]:
            lane = replace(UNIT, near=asked.near)
            left += tried(tree, lane, notes_of(tree, lane), of_domain, PROCESSES, told)
        if left:
            lane = replace(OF_SERVICES, near=asked.near)
            for fault in tried(tree, lane, notes_of(tree, lane), left, PROCESSES, told):
                told(fault, True)
    of = {fault.file for fault in faults}.intersection(all_of := modules(asked.files))
    print(f"{counted[False]} of {len(faults)} faults noticed in {time.monotonic() - started:.0f} s")
    print(f"{len(of)} of {len(all_of)} modules have had one")
    return 1 if counted[True] and not asked.drawn else 0


if __name__ == "__main__":
    sys.exit(main())

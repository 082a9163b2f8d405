# Every chore has one command; `make help` lists them, and none needs another one first.
# Wanted on the machine: python3.11 or newer, pip, git, make. Everything else goes to .venv.

SHELL := /bin/bash
PORT ?= 8000
UV := uv==0.13.8
BIN := .venv/bin
STAMP := .venv/.installed
MANAGE := $(BIN)/python manage.py
NEWER_PYTHONS := 3.14 3.13 3.12

# Lanes use every core; the unit lane shares its files with a copy of itself (tests/unit/conftest.py).
PARALLEL ?= -n auto
# What does not fit into a lane that is run all the time is marked `long` and has a lane of its own.
SHORT := -m "not long and not by_command"
# Plugins of packages that the unit lane has no use for, and that cost it half its time.
UNIT := -p no:django -p no:schemathesis -p no:valkey -p no:playwright -p no:anyio -p no:xdist

# When and where `make test-as-of` runs which lanes.
DAY ?= 2028-02-29
TIME ?= 09:30
ZONE ?= Asia/Shanghai
LANES ?= test-unit test-sqlite test-postgres

TRIALS := NCT07193667 NCT07274059 NCT07339332 NCT07331467 NCT07233642
INFUSION ?= 2026-12-07

# No registry, path or machine name may stand in a locked file: it must install anywhere.
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header $(UPGRADE)

export PORT
.DEFAULT_GOAL := help
.PHONY: help install run stack plan test test-room shape words test-unit test-sqlite test-postgres test-browser \
	test-processes test-long test-by-command test-as-of test-newer-python check fmt mutants races courses changes histories \
	bench bench-large lock clean simulate bench-web memory messages screenshots axe

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

install: $(STAMP) ## make .venv with everything that is locked (does nothing when it is up to date)

$(STAMP): requirements.txt requirements-dev.txt
	@[ -x $(BIN)/python ] && $(BIN)/python -m pip --version >/dev/null 2>&1 \
		|| .ci/python .venv 3.11 3.12 3.13 3 \
		|| { echo "No Python 3.11 or newer with venv and sqlite3 was found." >&2; exit 1; }
	@$(call install_into,.venv)
	@touch $@

# uv is quick; where it cannot be had or cannot reach a registry, pip does the same work slowly.
define install_into
{ $(1)/bin/python -m pip install --quiet $(UV) \
	&& VIRTUAL_ENV=$(1) $(1)/bin/uv pip install --quiet --system-certs --require-hashes -r requirements-dev.txt; } \
	|| { echo "uv could not install; pip does it, which takes some minutes."; \
		$(1)/bin/python -m pip install --quiet --require-hashes -r requirements-dev.txt; }
endef

run: install ## start web and beat with made-up participants on PORT, and print address and accounts
	@$(MANAGE) rundemo

stack: install ## run what docker-compose.yml runs, without Docker: PostgreSQL, Valkey, proxy and all (PORT: of HTTPS)
	@PORT=$(if $(filter command line environment,$(origin PORT)),$(PORT),) $(BIN)/python -m tests.production.stack

plan: install ## print the five trials planned for an infusion on INFUSION
	@for trial in $(TRIALS); do $(MANAGE) plan $$trial --on infusion=$(INFUSION) || exit; echo; done

test: test-unit test-sqlite test-postgres test-browser test-processes ## every lane of tests, in turn

test-unit: install ## the domain, without a database
	@.ci/lane unit tests/unit $(UNIT)

test-sqlite: install ## services, API and pages on SQLite
	@DAYZERO_TEST_DATABASE=sqlite .ci/lane "integration on SQLite" tests/integration $(PARALLEL) $(SHORT)

test-postgres: install ## the same tests on PostgreSQL, which is started from its wheel
	@DAYZERO_TEST_DATABASE=postgres .ci/lane "integration on PostgreSQL" tests/integration $(PARALLEL) $(SHORT)

test-browser: install ## the pages in a real browser
	@if command -v chromium chromium-browser google-chrome >/dev/null; \
		then .ci/lane browser tests/browser $(SHORT) $(PARALLEL); \
		else .ci/cannot "the browser lane, since there is no Chromium (apt-get install chromium)"; fi

test-processes: install ## web, worker, beat and the servers they talk to as real processes
	@.ci/lane processes tests/production $(SHORT) $(PARALLEL) $(if $(PARALLEL),--dist loadfile)

test-long: install ## what is too long for the lanes above, on both databases (20 minutes)
	@for database in sqlite postgres; do DAYZERO_TEST_DATABASE=$$database \
		.ci/lane "long, integration on $$database" tests/integration -m long $(PARALLEL) || exit; done
	@.ci/lane "long, processes and browser" tests/production tests/browser -m long $(PARALLEL) --dist loadfile

test-by-command: install ## a simulated year, clocks put forward and back, a mail server that hangs, planted faults (an hour)
	@$(BIN)/pytest -q tests/integration tests/production -m by_command -o faulthandler_timeout=0

test-as-of: install ## lanes with the clocks of tests and servers moved: DAY=2028-02-29 ZONE=Europe/Berlin (TIME, LANES)
	@.ci/as-of "$(DAY)" "$(TIME)" "$(ZONE)" $(MAKE) --no-print-directory $(LANES)

test-room: install ## the tests of one room: make test-room ROOM=windows
	@DAYZERO_TEST_DATABASE=$${DAYZERO_TEST_DATABASE:-sqlite} $(BIN)/pytest -q $$(find tests/unit tests/integration \
		-type d -name '$(ROOM)' -o -name 'test_$(ROOM)*.py' | sort -u)

test-newer-python: install ## the unit lane on a newer Python, where one is installed
	@[ .venv-newer/.installed -nt requirements-dev.txt ] || { \
		.ci/python .venv-newer $(NEWER_PYTHONS); code=$$?; [ $$code -ne 3 ] \
			|| { echo "No newer Python ($(NEWER_PYTHONS)) is installed here: nothing to test on it."; exit 0; }; \
		$(call install_into,.venv-newer) && touch .venv-newer/.installed; } || exit; \
	[ ! -e .venv-newer/.installed ] \
		|| PYTHON=.venv-newer/bin/python .ci/lane "unit on a newer Python" tests/unit $(UNIT)

check: install ## style, types, architecture, Django's own checks, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@! git grep -nE '<<<<<<< |>>>>>>> ' -- . ':!Makefile' || { echo 'Two sides of a merge stand in these files.'; exit 1; }
	@git ls-files -z "templates/*.html" | xargs -0 $(BIN)/djhtml --tabwidth 2 --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MANAGE) check
	$(MANAGE) makemigrations --check --dry-run
	@$(BIN)/python -m tests.words

shape: install ## print the shape of the code beside what we aim for; it fails nothing
	@$(BIN)/python -m tests.shape

words: install ## list phrases that we do not write, with what to write instead
	@$(BIN)/python -m tests.words

mutants: install ## plant faults in a copy, which the tests must notice (a few minutes; DRAWN=1: one drawn of each module)
	$(BIN)/python -m tests.mutants $(if $(DRAWN),--drawn $(DRAWN) --seed $(or $(SEED),1))

bench: install ## the measures each issue asks for, as ratios within one run
	@if [ -f tests/bench/__main__.py ]; then $(BIN)/python -m tests.bench; else echo "No measures yet."; fi

bench-large: install ## the same with a hundred thousand participants
	@if [ -f tests/bench/__main__.py ]; then $(BIN)/python -m tests.bench --large; else echo "No measures yet."; fi

simulate: install ## a thousand participant-years of the five trials, and what Today let slip (YEARS=10 for a few)
	@DAYZERO_TEST_DATABASE=$(or $(DATABASE),sqlite) PYTHONWARNINGS=ignore $(BIN)/python -m tests.simulation --years $(or $(YEARS),1000)

bench-web: install ## what each page reads, from a tenth to the whole (LARGE=--large: a hundred thousand people)
	@DAYZERO_TEST_DATABASE=postgres PYTHONWARNINGS=ignore $(BIN)/python -m tests.bench.web $(LARGE)

memory: install ## what a process of Dayzero holds in memory: bare, with pages, as a worker, two web workers
	@PYTHONWARNINGS=ignore $(BIN)/python -m tests.bench.memory

races: install ## ten thousand pairs of edits on one visit, on both databases (PAIRS: another number)
	@for database in sqlite postgres; do DAYZERO_TEST_DATABASE=$$database DAYZERO_RACES=$${PAIRS:-10000} \
		$(BIN)/pytest -q -s tests/integration/course/test_races.py || exit; done

courses: install ## courses in any order against a naive model, on both databases (SEEDS: another number than 20)
	@for database in sqlite postgres; do DAYZERO_TEST_DATABASE=$$database DAYZERO_COURSES=$${SEEDS:-20} \
		$(BIN)/pytest -q $(PARALLEL) tests/integration/course/test_state_machine.py || exit; done

changes: install ## a million changes by four writers, read by one reader, on PostgreSQL (CHANGES: another number)
	@DAYZERO_TEST_DATABASE=postgres DAYZERO_CHANGES=$${CHANGES:-1000000} $(BIN)/pytest -q -m long \
		tests/integration/api/test_change_feed.py

contract: install ## the API asked at random by three roles, a hundred thousand requests (REQUESTS: another number)
	@DAYZERO_TEST_DATABASE=$${DAYZERO_TEST_DATABASE:-postgres} DAYZERO_REQUESTS=$${REQUESTS:-100000} \
		$(BIN)/pytest -q -s -m long tests/integration/api/test_stateful.py

histories: install ## calendars over random histories (HISTORIES: another number than 10000)
	@DAYZERO_TEST_DATABASE=sqlite DAYZERO_HISTORIES=$${HISTORIES:-10000} \
		$(BIN)/pytest -q -m long $(PARALLEL) tests/integration/feeds/test_histories.py

screenshots: install ## every page as a picture, both languages, themes and sizes (FOLDER=screenshots; SHOTS="--only today")
	$(BIN)/python -m tests.pages.screenshots $${FOLDER:-screenshots} $(SHOTS)

axe: install ## axe-core on every page, both languages, themes and sizes, and the weight of a first load (AXE=--sample)
	$(BIN)/python -m tests.pages.axe $(AXE)

fmt: install ## mend style and order of imports
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	@git ls-files -z "templates/*.html" | xargs -0 $(BIN)/djhtml --tabwidth 2

messages: install ## collect what is to be said in Chinese, and compile it (wants gettext)
	$(MANAGE) makemessages -l zh_Hans --no-location --no-wrap --no-obsolete -i '.venv*' -i tests -i staticfiles
	sed -i '/^#|/d' locale/zh_Hans/LC_MESSAGES/django.po
	$(MANAGE) compilemessages -l zh_Hans -i '.venv*'

lock: install ## lock what requirements*.in ask for (UPGRADE=--upgrade: the newest of everything)
	$(BIN)/uv pip compile $(LOCK) requirements.in -o requirements.txt
	$(BIN)/uv pip compile $(LOCK) -c requirements.txt requirements.in requirements-dev.in -o requirements-dev.txt

clean: ## remove what the commands above made, but no data
	rm -rf .venv .venv-newer .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles

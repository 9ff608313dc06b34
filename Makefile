# Daybook: `make demo` shows it at work, `make test` proves it. Nothing is needed but Python 3.11 or later, and make.

VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes
# Processes of each of the suites, which run at the same time: while the tests of one wait, those of another work.
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
ROUNDS ?= 10
PYTEST := $(BIN)/python -m pytest -q --forks $(WORKERS) --durations 5 --durations-min 5
# What takes longest comes first, so that no process is left with it alone at the end.
ON_A_DATABASE := tests/acceptance tests/crash tests/contracts tests/integration
DEVELOPMENT := env DEBUG=true PYTHONUNBUFFERED=1 PATH="$(CURDIR)/$(BIN):$$PATH"

# Python keeps what it has compiled, whatever the shell says: a new process would compile Django anew, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE

CHECKS := types lint imports generated
SUITES := tests-on-postgres tests-on-sqlite tests-without-database
# Each prints what it has to say when it has ended, and all run, whatever fails.
TOGETHER := --no-print-directory --keep-going --jobs 4 $(if $(filter output-sync,$(.FEATURES)),--output-sync)

.PHONY: help demo test check checks prove run cluster cluster-test bench bench-compare screenshots chromium clean suite compiled $(CHECKS) $(SUITES) format requirements venv

help: ## show this list
	@grep -hE '^[a-z -]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z -]+):.*## /\1\t/' | expand -t 16

demo: $(VENV)/runtime ## a made-up portfolio through the whole machine, in seconds
	@$(DEVELOPMENT) $(MANAGE) demo

test check: $(VENV)/development chromium ## everything that CI runs: types, lint, imports, generated files and all tests
	@echo "All checks and the tests without a database, on SQLite and on PostgreSQL run at the same time, for minutes."
	@$(MAKE) $(TOGETHER) types $(SUITES) $(filter-out types,$(CHECKS))

prove: $(VENV)/development chromium ## each line of docs/reliability.md in its long form, which it writes, then all tests; takes hours
	@$(BIN)/python -m tests.support.reliability --rounds 20
	@DAYBOOK_TEST_ROUNDS=20 PYTEST_TIMEOUT=0 $(MAKE) --no-print-directory suite

run: $(VENV)/runtime ## everything for real in one terminal, with a superuser; Books is at http://127.0.0.1:8000/books/
	@$(DEVELOPMENT) $(MANAGE) check_web_address
	@$(DEVELOPMENT) $(MANAGE) migrate --verbosity 0
	@$(DEVELOPMENT) $(MANAGE) create_development_superuser
	@$(DEVELOPMENT) HYDRATION_DELAY=0 HYDRATION_DELAY_ENTROPY=0 $(MANAGE) run_processmanager late_fees --once || \
	    echo "Everything starts all the same: Books shows its consumers, and an operator can resume them there." >&2
	@exec $(DEVELOPMENT) DJANGO_SETTINGS_MODULE=settings python -m deploy.procfile

cluster: $(VENV)/development ## three nodes that fail over, HAProxy, PgBouncer and Daybook on this machine, until Ctrl-C
	@exec $(BIN)/python -m tests.support.cluster

cluster-test: $(VENV)/development ## kill, cut off and switch the primary of such a cluster ROUNDS times each, and operate it; takes an hour
	@DAYBOOK_TEST_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -q -p tests.plugins.postgres tests/cluster

bench: $(VENV)/benchmarks ## measure what docs/performance.md quotes
	@$(DEVELOPMENT) python -m benchmarks

bench-compare: $(VENV)/benchmarks ## name what has become slower since another commit: make bench-compare BASE=<commit>
	@test -n "$(BASE)" || { echo "Name the commit to compare with: make bench-compare BASE=<commit>" >&2; exit 1; }
	@$(DEVELOPMENT) python -m benchmarks.commits $(BASE)

screenshots: $(VENV)/development chromium ## take the pictures of Books that README shows, of the demonstration's ledger
	@$(DEVELOPMENT) python -m tests.support.browser.screenshots

clean: ## remove the virtual environment and every cache; databases stay
	rm -rf $(VENV) build daybook_eventstore.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

checks: $(VENV)/development # all that needs no test
	@$(MAKE) $(TOGETHER) $(CHECKS)

lint: $(VENV)/development ## ruff, on the code and on its layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/development ## mypy
	$(DEVELOPMENT) mypy

imports: $(VENV)/development ## import-linter
	$(BIN)/lint-imports --no-cache

generated: $(VENV)/development ## no model without its migration, generated documents up to date, Django's own checks
	$(DEVELOPMENT) python -m tests.support.documents.checks \
	    "makemigrations --check --dry-run" check "describe_events --check" "describe_problems --check"

suite: $(VENV)/development chromium ## the tests: without a database, on SQLite and on PostgreSQL
	@$(MAKE) $(TOGETHER) $(SUITES)

# Chromium's headless shell takes half the processor time of Chromium itself, which is used if the shell cannot be had.
chromium: # the browser in which Books is tested: Debian's, installed if it is missing and root may do so
	@command -v chromium-headless-shell >/dev/null || \
	{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "apt-get installs chromium-headless-shell" && \
	  apt-get -qq -o Acquire::http::Timeout=20 update && DEBIAN_FRONTEND=noninteractive apt-get -qq \
	  install --yes --no-remove --no-install-recommends chromium-headless-shell >/dev/null; } || \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	echo "There is no chromium and it cannot be installed: the tests of Books in a browser are skipped."

# One process compiles the tests for those of all suites, which would do so at the same time.
compiled: $(VENV)/development
	@$(PYTEST) --collect-only tests >/dev/null || true # what is wrong the suites say

tests-without-database: compiled
	$(PYTEST) --forks 0 tests/unit tests/properties tests/architecture

tests-on-sqlite: compiled
	$(PYTEST) -p tests.plugins.sqlite $(ON_A_DATABASE)

tests-on-postgres: compiled
	$(PYTEST) -p tests.plugins.postgres $(ON_A_DATABASE)

format: $(VENV)/development ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: $(VENV)/development ## pin anew what requirements*.in ask for
	for list in requirements requirements-parquet requirements-dev requirements-bench; do \
	    $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 $$list.in -o $$list.txt || exit 1; \
	done

venv: $(VENV)/development ## set everything up, and nothing else

# A Python that is one program, as Debian's is, takes a tenth less processor time than one that is a program and a library,
# as pyenv may build it: the library is mapped into memory.
QUICK := import sys; sys.exit("libpython" in open("/proc/self/maps").read())

# The files named here stand for what has been done: a changed list of requirements is installed anew.
$(VENV)/made:
	@quick=$$(for one in python3.11 /usr/bin/python3.11; do $$one -c '$(QUICK)' 2>/dev/null && echo $$one; done); \
	for python in $(PYTHON) $$quick python3.11 python3.12 python3.13 python3.14 python3 python; do \
	    if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "$$python makes $(VENV)" && $$python -m venv --clear $(VENV) && touch $@ && exit 0; \
	    fi; \
	done; \
	test -e $@ || { echo "Daybook needs Python 3.11 or later with venv and ensurepip (on Debian: python3-venv);" \
	    "none of python3.11 … python3 is one. Name yours with: make PYTHON=/path/to/python" >&2; exit 1; }

$(VENV)/runtime: requirements.txt $(VENV)/made
	@$(PIP) -r requirements.txt
	@touch $@

# uv installs the many packages of development five times as fast; pip does it if uv cannot, such as for an index of pip's.
$(VENV)/development: requirements-dev.txt requirements.txt $(VENV)/made
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt > $(VENV)/uv.txt
	@{ $(PIP) -r $(VENV)/uv.txt && $(UV) -r requirements-dev.txt; } || $(PIP) -r requirements-dev.txt
	@touch $(VENV)/runtime $@

$(VENV)/benchmarks: requirements-bench.txt $(VENV)/development
	@$(PIP) -r requirements-bench.txt
	@touch $@

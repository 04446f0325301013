# Everything that is typed here works on a machine with Python 3.11 or newer, make, and uv or pip.
#   make run PORT=9000 HOST=0.0.0.0        make test ARGS="tests/patients -x"

python := .venv/bin/python
manage := $(python) manage.py
static := staticfiles/staticfiles.json
DATABASE_URL ?= postgres://postgres@127.0.0.1:5432/postgres
ARGS ?=

# The tests and checks know nothing of the developer's own settings and demo.
apart = data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && \
	env -i PATH="$$PATH" HOME="$$HOME" TMPDIR="$${TMPDIR:-/tmp}" LANG=C.UTF-8 CI="$$CI" DATA_DIR="$$data"
pytest := $(python) -m pytest

resolve := uv pip compile pyproject.toml --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-fast test-campaigns test-all test-postgresql check bench bench-timing html lighthouse screenshots messages lock clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

run: .venv/run.ready $(static) ## Serve the portal, as a demo unless DEMO=False; Ctrl-C stops it
	@DEMO="$${DEMO-True}" exec $(manage) serve

test: .venv/dev.ready ## Run everything that a change must pass, on SQLite and in a browser (under 5 minutes)
	@$(apart) DEMO=True $(pytest) $(ARGS)

test-fast: .venv/dev.ready ## Run the tests that need no browser and are not slow (about a minute)
	@$(apart) DEMO=True $(pytest) -m "not browser and not slow and not campaign" $(ARGS)

test-campaigns: .venv/dev.ready ## Run only the long campaigns: 1,000 histories, every hostile string in every form
	@$(apart) DEMO=True $(pytest) -m campaign $(ARGS)

test-all: .venv/dev.ready ## Run everything that make test runs, and the long campaigns
	@$(apart) DEMO=True $(pytest) -m "" $(ARGS)

test-postgresql: .venv/dev.ready ## Run the tests that need no browser on PostgreSQL (DATABASE_URL)
	@$(python) -c 'import sys, psycopg; psycopg.connect(sys.argv[1], connect_timeout=5).close()' "$(DATABASE_URL)" || \
		{ echo '*** No PostgreSQL answers at DATABASE_URL, so these tests did NOT run. ***' >&2; exit 1; }
	@$(apart) DEMO=True DATABASE_URL="$(DATABASE_URL)" $(pytest) -m "not browser and not campaign" $(ARGS)

check: .venv/dev.ready ## Lint, check the types, the migrations and the settings of production
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	@$(apart) DEMO=True $(python) -m mypy
	$(python) -m djlint --lint --quiet templates
	@$(apart) DEMO=True $(manage) makemigrations --check --dry-run
	@key() { $(python) -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'; } && \
		$(apart) SECRET_KEY="$$(key)$$(key)" SEALING_KEYS="$$(key)" PIN_PEPPER="$$(key)" AUDIT_KEY="$$(key)" \
		PUBLIC_URL=https://portal.example.org BEHIND_PROXY=True $(manage) check --deploy --fail-level WARNING

bench: .venv/dev.ready $(static) ## A million patients, SQLite and PostgreSQL: speeds as ratios (ARGS="--patients 1000 100000")
	@command -v ab >/dev/null || { echo 'Type: sudo apt-get install apache2-utils' >&2; exit 1; }
	@$(apart) DATABASE_URL="$(DATABASE_URL)" DEMO=True $(python) -m tests.benchmarks.bench $(ARGS)

bench-timing: .venv/dev.ready ## Can the time of an answer tell what is known? An hour (ARGS="--samples 100")
	@$(apart) $(python) -m tests.benchmarks.timing $(ARGS)

html: .venv/dev.ready ## Every page, e-mail and sheet that tests see through the Nu HTML checker (needs npm and Java)
	@$(python) -m tests.markup $(ARGS)

lighthouse: .venv/dev.ready $(static) ## The pages on a slow phone: Lighthouse, weight, requests (needs npm)
	@$(python) -m tests.benchmarks.lighthouse $(ARGS)

screenshots: .venv/dev.ready $(static) ## Take the pictures of README.md and docs/manual anew
	@$(python) -m tests.benchmarks.screenshots

# A further language: a line in portal/settings.py (LANGUAGES), and mkdir -p locale/vi/LC_MESSAGES before this.
messages: .venv/dev.ready ## Gather what is to be translated into locale/, and compile what is translated there
	@$(apart) DEMO=True $(manage) makemessages --all --no-location --no-wrap --no-obsolete \
		--ignore .venv --ignore staticfiles --ignore tests --ignore var
	@$(apart) DEMO=True $(manage) compilemessages --ignore .venv --verbosity 0

lock: ## Resolve the dependencies anew, with uv (ARGS=--upgrade for newer releases)
	$(resolve) --output-file requirements.txt $(ARGS)
	$(resolve) --group dev --constraint requirements.txt --output-file requirements-dev.txt $(ARGS)

clean: ## Remove what can be made again; var/, the demo's data, stays
	rm -rf .venv staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.ready: requirements.txt bin/setup
	@bin/setup run

.venv/dev.ready: requirements.txt requirements-dev.txt bin/setup
	@bin/setup dev

$(static): .venv/run.ready $(shell find static)
	@$(apart) DEMO=True $(manage) collectstatic --no-input --clear --verbosity 0
	@touch $@

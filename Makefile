# Every target works on a machine with Python 3.11 or newer, make, and uv or pip. Variables can be set on the command line:
#   make run PORT=9000 HOST=0.0.0.0        make test ARGS="tests/patients -x"

python := .venv/bin/python
manage := $(python) manage.py
static := staticfiles/staticfiles.json
DATABASE_URL ?= postgres://postgres@127.0.0.1:5432/postgres
ARGS ?=

# Run tests and checks in a clean environment, without the developer's settings or demo data.
apart = data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && \
	env -i PATH="$$PATH" HOME="$$HOME" TMPDIR="$${TMPDIR:-/tmp}" LANG=C.UTF-8 CI="$$CI" DATA_DIR="$$data"
pytest := $(python) -m pytest

resolve := uv pip compile pyproject.toml --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-fast test-campaigns test-all test-postgresql check lint-js bench bench-timing html lighthouse screenshots messages lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

run: .venv/run.ready $(static) ## Start the portal, as a demo unless DEMO=False; stop it with Ctrl-C
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

check: .venv/dev.ready lint lint-imports lint-templates lint-js secrets ## Run all linters; check types, migrations and production settings
	@$(apart) DEMO=True $(python) -m mypy
	@$(apart) DEMO=True $(manage) makemigrations --check --dry-run
	@key() { $(python) -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'; } && \
		$(apart) SECRET_KEY="$$(key)$$(key)" SEALING_KEYS="$$(key)" PIN_PEPPER="$$(key)" AUDIT_KEY="$$(key)" \
		PUBLIC_URL=https://portal.example.org BEHIND_PROXY=True $(manage) check --deploy --fail-level WARNING

lint-js: node_modules/.ready ## Lint static/js, and check its formatting and that of the stylesheets (needs npm)
	npx --no-install eslint --max-warnings 0 static/js
	npx --no-install prettier --check --log-level warn static/js '**/*.css' '!static/vendor'

# .pre-commit-config.yaml calls the next three targets, too.
.PHONY: lint lint-imports lint-templates secrets secrets-baseline
scanned_files := git ls-files --cached --others --exclude-standard -- ':!.secrets.baseline' ':!*/vendor/*' ':!requirements*.txt' ':!docs/images'
lint: .venv/dev.ready ## Lint the Python code and check its format
	$(python) -m ruff check .
	$(python) -m ruff format --check .

lint-imports: .venv/dev.ready ## Check that imports between apps and packages point down only
	.venv/bin/lint-imports --no-logo --no-cache

lint-templates: .venv/dev.ready ## Lint the HTML templates
	$(python) -m djlint --lint --quiet templates

# The hook exits with 3 after it has updated line numbers in the baseline. That is fine, and it happens in a copy.
secrets: .venv/dev.ready ## Fail if a file contains a secret that is not in .secrets.baseline
	@copy=$$(mktemp) && trap 'rm -f "$$copy" "$$copy.log"' EXIT && cp .secrets.baseline "$$copy" && \
		$(python) -m detect_secrets.pre_commit_hook --baseline "$$copy" $$($(scanned_files)) >"$$copy.log" || \
		[ $$? -eq 3 ] || { cat "$$copy.log" >&2; exit 1; }

secrets-baseline: .venv/dev.ready ## Accept what detect-secrets finds now; review the change before you commit it
	@$(python) -m detect_secrets scan --no-verify --baseline .secrets.baseline $$($(scanned_files))

bench: .venv/dev.ready $(static) ## Measure speeds with up to a million patients on both databases (ARGS="--patients 1000 100000")
	@command -v ab >/dev/null || { echo 'Type: sudo apt-get install apache2-utils' >&2; exit 1; }
	@$(apart) DATABASE_URL="$(DATABASE_URL)" DEMO=True $(python) -m tests.benchmarks.bench $(ARGS)

bench-timing: .venv/dev.ready ## Test whether response times reveal anything; takes an hour (ARGS="--samples 100")
	@$(apart) $(python) -m tests.benchmarks.timing $(ARGS)

html: .venv/dev.ready ## Check all HTML that the tests render with the Nu HTML checker (needs npm and Java)
	@$(python) -m tests.markup $(ARGS)

lighthouse: .venv/dev.ready $(static) ## Measure the pages on a slow phone: Lighthouse, size, requests (needs npm)
	@$(python) -m tests.benchmarks.lighthouse $(ARGS)

screenshots: .venv/dev.ready $(static) ## Retake the screenshots of README.md and docs/manual
	@$(python) -m tests.benchmarks.screenshots

# To add a language, extend LANGUAGES in portal/settings.py and run mkdir -p locale/vi/LC_MESSAGES first.
messages: .venv/dev.ready ## Collect the strings to translate in locale/, and compile the translations
	@$(apart) DEMO=True $(manage) makemessages --all --no-location --no-wrap --no-obsolete \
		--ignore .venv --ignore node_modules --ignore staticfiles --ignore tests --ignore var
	@$(apart) DEMO=True $(manage) compilemessages --ignore .venv --verbosity 0

lock: ## Resolve the dependencies again with uv (ARGS=--upgrade for newer releases)
	$(resolve) --output-file requirements.txt $(ARGS)
	$(resolve) --group dev --constraint requirements.txt --output-file requirements-dev.txt $(ARGS)

clean: ## Remove everything that can be rebuilt; keep var/, the demo's data
	rm -rf .venv node_modules staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.ready: requirements.txt bin/setup
	@bin/setup run

.venv/dev.ready: requirements.txt requirements-dev.txt bin/setup
	@bin/setup dev

node_modules/.ready: package.json package-lock.json bin/setup
	@bin/setup js

$(static): .venv/run.ready $(shell find static)
	@$(apart) DEMO=True $(manage) collectstatic --no-input --clear --verbosity 0
	@touch $@

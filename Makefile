# One command each; `make` alone lists them. Needs Python 3.11 or newer, git and make.
# Variables: PORT=8001 (run), T=tests/market (test), ARGS="--live" (anything to `exchange up`).

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test check lint format docs translations bench bench-intake bench-peers \
  db-reset lock clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PORT :=
T :=
ARGS := --demo

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install: $(STAMP) ## Create .venv with the locked packages

# The newest Python from 3.11 on; `python3` first, since that is what people chose.
$(STAMP): requirements.lock pyproject.toml
	@python=; \
	for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	      >/dev/null 2>&1; then \
	    python=$$name; break; \
	  fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or newer with venv found (on Debian: apt-get install python3-venv)." >&2; \
	  exit 1; \
	fi; \
	if ! $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' \
	    >/dev/null 2>&1; then \
	  rm -rf $(VENV) && "$$python" -m venv $(VENV); \
	fi
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes \
	  -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps \
	  --no-build-isolation -e .
	@touch $(STAMP)

run: $(STAMP) ## Run everything with the demo story (PORT=8001, ARGS="--sandbox")
	@exec $(BIN)/exchange up $(ARGS) $(if $(PORT),--port $(PORT))

test: $(STAMP) ## Run the tests (T=tests/market for some of them)
	$(BIN)/python -m pytest $(if $(T),$(T),-n 3 --dist worksteal)

check: lint test ## All that must hold before a change is merged

lint: $(STAMP) ## Formats, lints, types, import contracts, fresh docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/bandit --quiet --severity-level medium --configfile pyproject.toml --recursive exchange stripe_sandbox
	$(BIN)/exchange docs --check

format: $(STAMP) ## Write every file as the formatters want it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djlint --reformat --quiet templates

docs: $(STAMP) ## Write the generated pages of docs/
	$(BIN)/exchange docs

# Words of pages and first arguments of our errors; a catalog is compiled when the program starts.
ERRORS := Malformed Unauthenticated InsufficientFunds Forbidden NotFound Conflict Gone TooLarge \
  UnsupportedFile Invalid Unavailable
translations: $(STAMP) ## Extract what is translated and bring the catalogs up to date
	$(BIN)/pybabel --quiet extract --mapping babel.cfg --no-location --sort-output --project exchange \
	  --keyword N_ --keyword lazy_gettext --keyword FieldProblem:3 $(ERRORS:%=--keyword %) \
	  --output-file translations/messages.pot .
	for language in ru es ms; do \
	  $(BIN)/pybabel --quiet update --input-file translations/messages.pot --locale $$language \
	    --output-dir translations --init-missing --no-fuzzy-matching --ignore-obsolete; \
	done

bench: $(STAMP) ## Measure all (bench-intake, bench-sampling, bench-market, bench-ledger, bench-web)
	$(BIN)/python -m bench

bench-%: $(STAMP)
	$(BIN)/python -m bench $*

bench-intake: $(STAMP) bench-peers
	$(BIN)/python -m bench intake dry_run neighbor

bench-peers: bench/.venv/.installed ## Install what the dry run is measured beside

bench/.venv/.installed: bench/peers/requirements.txt
	python3 -m venv bench/.venv
	bench/.venv/bin/python -m pip install --disable-pip-version-check --quiet -r $<
	@touch $@

db-reset: $(STAMP) ## Destroy the demo instance: the next `make run` tells its story anew
	$(BIN)/exchange reset --demo --yes

lock: ## Renew requirements.lock from requirements.in (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --upgrade requirements.in -o requirements.lock

clean: ## Remove what tools leave behind; instances stay
	rm -rf .mypy_cache .ruff_cache .import_linter_cache .hypothesis bench/results
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

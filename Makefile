# What a developer does here; `make` alone lists it. Paths are relative, so that the folder's own
# name may hold spaces.

.DEFAULT_GOAL := help
.PHONY: help run test check format bench clean
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
BENCH := var/benchmarks
export PYTHON ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Each process of tests has servers of its own, and takes whole files.
PARALLEL := --numprocesses 3 --dist loadfile

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.requirements-local ## The whole platform on http://127.0.0.1:8000, until Ctrl-C
	@exec $(BIN)/python -m web.run

test: $(VENV)/.requirements-dev ## Tests, on servers of their own; ARGS="-k price" chooses
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

# The types of the settings need values; no server is asked.
check: export SETTINGS = SECRET_KEY=types DATABASE_URL=postgres://types@localhost/types \
	CACHE_URL=redis://localhost BROKER_URL=redis://localhost PRODUCTION=false DEBUG=false
check: $(VENV)/.requirements-dev ## Format, lint, types, import rules, tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	env $$SETTINGS $(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

format: $(VENV)/.requirements-dev ## Formats the code and mends what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Ends with an error if a promise does not hold. QUICK, SIZE and ARGS are about pages only; FILE is
# King County's sales, which are made up without it.
bench: $(BENCH)/.requirements ## All of docs/benchmarks.md, over two hours; QUICK=1: pages, two minutes
	$(if $(FILE),@test -r "$(FILE)" || { echo "FILE=$(FILE) cannot be read" >&2; exit 1; })
	@failed=0; run() { $(BENCH)/bin/python -m "$$@" || failed=1; }; \
	run benchmarks.speed $(if $(SIZE),--size $(SIZE)) \
		$(if $(QUICK)$(SIZE),--output var/pages.json,--publish) $(if $(QUICK),--quick) $(ARGS); \
	$(if $(QUICK)$(SIZE)$(ARGS),, \
	for size in 21613 100000 1000000; do \
		run benchmarks.mixed --listings $$size \
			$$([ $$size = 21613 ] || echo --rounds 1) --audit-seconds 30 --publish; \
	done; \
	run benchmarks.growth --publish; \
	run benchmarks.bulk $(if $(FILE),--file "$(FILE)") --publish; \
	run benchmarks.plans --publish; \
	run benchmarks.over_invalidation; \
	run benchmarks.publish; \
	run benchmarks.many_entries; \
	run benchmarks.counting;) \
	exit $$failed

clean: ## Removes the environment and caches; data in var/ stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment ----

# What pip says is in var/pip.log.
define INSTALL
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || \
		$(MAKE) -f $(MAKEFILE_LIST) VENV=$(VENV) environment
	@echo "Installing the packages of $< (the first time takes a minute) …"
	@mkdir -p var
	@$(BIN)/python -m pip install --quiet --retries 2 --timeout 10 --log var/pip.log -r $< \
		>/dev/null 2>&1 || { \
		echo "The packages of $< could not be installed: is the network there?" \
			"What pip said is in var/pip.log." >&2; exit 1; }
	@touch $@
endef

# Made again when a file of requirements has changed.
$(VENV)/.requirements-%: requirements-%.txt requirements.txt requirements-local.txt
	$(INSTALL)

$(BENCH)/.requirements: VENV := $(BENCH)
$(BENCH)/.requirements: BIN := $(BENCH)/bin
$(BENCH)/.requirements: benchmarks/requirements.txt requirements.txt requirements-local.txt
	$(INSTALL)

.PHONY: environment
environment:
	@if [ -n "$$PYTHON" ]; then set -- "$$PYTHON"; \
	else set -- python3.13 python3.12 python3.11 python3; fi; \
	found=; \
	for python; do \
		version=$$("$$python" --version 2>/dev/null) || continue; \
		found="$$found $$version ($$python),"; \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		"$$python" -m venv --clear $(VENV) >/dev/null 2>&1 && exit; \
		echo "$$python cannot make an environment: install its venv module" \
			"(Debian: apt install python3-venv)." >&2; exit 1; \
	done; \
	echo "Python 3.11 or newer is needed; found:$${found:- no Python at all,}" \
		"so name another with make PYTHON=/path/to/python3." >&2; exit 1

# make demo         set everything up and open the console on the simulated forum
# make test         run the tests of the project and of every plugin
# make check        formatting, lint, types, and which part may import which
# make test-live    install, start, fill, exercise and stop real servers (Linux; Debian's packages, npm, PyPI)
# make test-interop check our log with Go and openssl, and theirs with ours (golang-go, golang-golang-x-mod-dev, openssl)
# make bench        measure start, keys, memory, commands, log and intake beside named peers (BENCH=--quick: shorter)
# make screenshot   draw docs/console.svg from the running console
# make format       put formatting and import order right
# make lock         choose newer versions of everything that is pinned by checksum
# make clean        remove everything that make made
#
# Needed: make, and Python 3.11 or newer (PYTHON=... names one). Everything else goes into .venv here.

.DEFAULT_GOAL := help
.PHONY: help demo test check test-live test-interop bench screenshot rig-ozone rig-synapse format lock clean
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv/bin
READY := .venv/ready
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
PLUGIN_TESTS := $(wildcard $(addsuffix /tests,$(PLUGINS)))

help:
	@sed -n 's/^# //p; /^$$/q' Makefile

$(READY): .ci/requirements.txt .ci/setup pyproject.toml $(addsuffix /pyproject.toml,$(PLUGINS))
	@PYTHON="$(PYTHON)" .ci/setup
	@touch $@

demo: $(READY)
	@$(VENV)/modconsole demo

# One run for the project and one for each plugin: a plugin is a distribution of its own. All run, then the verdict.
# Files side by side on both cores; the tests of one file stay together, because they share what they set up.
test: $(READY)
	@failed=; for tests in tests $(PLUGIN_TESTS); do \
	  echo "$$tests:"; $(VENV)/python -m pytest -n 2 --dist loadfile "$$tests" || failed="$$failed $$tests"; \
	done; [ -z "$$failed" ] || { echo "Failed:$$failed" >&2; exit 1; }

check: $(READY)
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/mypy tests/conftest.py tests/live
	@set -e; for plugin in $(PLUGINS); do echo "$(VENV)/mypy $$plugin"; $(VENV)/mypy --exclude /tests/ "$$plugin"; done
	$(VENV)/lint-imports

test-live: $(READY)
	@$(MAKE) --no-print-directory -j2 rig-ozone rig-synapse
	@status=0; MODCONSOLE_LIVE=1 $(VENV)/python -m pytest tests/live || status=$$?; \
	for stop in tests/live/rigs/*/stop.sh; do "$$stop" || status=1; done; exit $$status

test-interop: $(READY)
	@tests/interop/install.sh
	@MODCONSOLE_INTEROP=1 $(VENV)/python -m pytest tests/interop

rig-ozone:
	@tests/live/rigs/ozone/install.sh

rig-synapse: $(READY)
	@PYTHON=$(VENV)/python tests/live/rigs/synapse/install.sh

bench: $(READY)
	@$(VENV)/python -m tests.bench $(BENCH)

screenshot: $(READY)
	@$(VENV)/python docs/screenshot.py

format: $(READY)
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

LOCK := pip compile --universal --python-version 3.11 --generate-hashes --upgrade --quiet \
  --no-emit-index-url --no-emit-find-links --no-header --no-annotate

lock: $(READY)
	@set -e; tool=$$(mktemp -d); trap 'rm -rf "$$tool"' EXIT; \
	$(VENV)/python -m venv "$$tool"; "$$tool/bin/pip" -qq install uv; \
	"$$tool/bin/uv" $(LOCK) --all-extras -o .ci/requirements.txt pyproject.toml; \
	"$$tool/bin/uv" $(LOCK) -o tests/live/rigs/synapse/requirements.txt tests/live/rigs/synapse/requirements.in

clean:
	@for stop in tests/live/rigs/*/stop.sh; do "$$stop" >/dev/null || true; done
	rm -rf .venv .rigs dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find modconsole plugins tests -name __pycache__ -prune -exec rm -rf {} +
	find . -name '*.egg-info' -prune -exec rm -rf {} +

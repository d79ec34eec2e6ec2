# Everything a fresh machine needs: python3, python3-venv and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: install demo test check fast servers influx2 bench wheel lock audit sbom reference dashboards clean help

help:
	@echo "make install    only set up: .venv/bin/refit is there then"
	@echo "make demo       set up, then run a simulated production line (Ctrl-C ends it)"
	@echo "make test       set up, then run all tests"
	@echo "make fast       only the tests that need no server and no time"
	@echo "make check      formatting, linting, import contracts, types"
	@echo "make bench      measure speed and memory (docs/performance.md)"
	@echo "make influx2    build InfluxDB 2.9.1 (5 to 15 minutes, once) and test the store on it"
	@echo "make lock       write requirements/: every library with its version and hashes"
	@echo "make audit      ask whether a known vulnerability concerns one of them"
	@echo "make sbom       write dist/sbom.cdx.json, the libraries of a plant (CycloneDX)"
	@echo "make reference  write the pages of docs/reference that come from the code"
	@echo "make dashboards write config/grafana, which comes from the declarations"
	@echo "make wheel      put Refit and all that it needs into dist/, for machines without a network"
	@echo "make clean      remove the virtual environment and what was built"

$(STAMP): pyproject.toml requirements/test.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Refit needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	@echo "setting up $(VENV), once: one minute or a few ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@PYTHONWARNINGS="ignore:Editable installation" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	@$(BIN)/refit demo

# The servers of the system tests: see the script for which, and where they come from.
servers:
	@tests/servers/install.sh

# By hand: builds InfluxDB 2.9.1 once (Go and Rust, 5 to 15 minutes) and runs the store's tests on it.
influx2: $(STAMP)
	@tests/servers/build_influx2.sh
	$(BIN)/python -m pytest tests/plant/test_influx2.py

# Tests with servers mostly wait, so more of them run at once than there are cores. A file stays on
# one worker, and those that take long (tests/chaos) come early; what measures time runs last and
# alone.
test: $(STAMP) servers check
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not system and not chaos and not alone"
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "(system or chaos) and not alone"
	$(BIN)/python -m pytest -m alone

fast: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not system and not chaos and not alone"

check: $(STAMP)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --verbose
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# All that a machine without a network needs: pip install --no-index --find-links wheelhouse refit
wheel: $(STAMP)
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --require-hashes --wheel-dir dist/wheelhouse -r requirements/run.txt
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist/wheelhouse .
	cp -r config/deploy/systemd dist/
	@echo "dist/wheelhouse has Refit and what it needs, dist/systemd its units"

# For every system and every Python from 3.11 on; a test fails when an address gets into the files.
# Newer versions of what is locked already: make lock LOCKING=--upgrade
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header
lock:
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(LOCK) $(LOCKING) --output-file requirements/run.txt
	$(LOCK) $(LOCKING) --extra test --output-file requirements/test.txt

audit: $(STAMP)
	$(BIN)/python -m tests.supply.audit

sbom: $(STAMP)
	mkdir -p dist
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --of JSON -o dist/sbom.cdx.json requirements/run.txt

reference: $(STAMP) dashboards
	$(BIN)/python -m refit.reference

dashboards: $(STAMP)
	$(BIN)/refit dashboards --site config/demo/site.toml --to config/grafana

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

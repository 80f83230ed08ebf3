# Everything runs from a virtual environment made from the hashed lock; nothing is installed by hand.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := $(addprefix --extra ,policy generation connectors evaluation lineage console ray client local dev)
# Platforms that a plug-in is tested against, each in an environment of its own: their pins are not ours.
PLATFORMS := mlflow airflow dagster kubeflow

.DEFAULT_GOAL := help
.PHONY: help install demo up test check openapi dashboards bench catalogue quality suite audit soak guards lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(STAMP) ## Make the virtual environment from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

.platforms/%/.installed: tests/platforms/%.lock pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## One real run through everything, on real data, everything embedded
	$(BIN)/moneyer demo

up: $(STAMP) ## Start the whole stack on this machine; Ctrl-C stops it
	$(BIN)/moneyer up

check: $(STAMP) ## Style, types, import contracts, current OpenAPI and dashboards
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-cache
	$(BIN)/python openapi/export.py --check
	$(BIN)/python deploy/grafana/export.py --check

test: check $(PLATFORMS:%=.platforms/%/.installed) ## All checks and all tests
	$(BIN)/pytest -n 2 --dist worksteal

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

guards: $(STAMP) ## Remove each guard of the invariants in a copy, and see a test fail
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
	rm -rf $(VENV) .platforms .moneyer

# Every verb sets up what it needs; set-up is quick when nothing changed. `make help` lists the verbs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
PACKAGES := $(wildcard libs/*) $(wildcard services/*)
PYPROJECTS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
# Three workers, each with a Kafka and a PostgreSQL of its own (3 GB in all), since tests often wait. With four a test ran out
# of the time it has on a busy machine. `make test PARALLEL=` runs one.
PARALLEL ?= -n 3 --dist worksteal
# They share the cores as it is: with one thread of polars each, tests of small frames take a fifth less time.
ONE_THREAD := POLARS_MAX_THREADS=1
# Bytecode is kept where the services keep theirs: the tree stays clean, and no process compiles what another one has.
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/.okr/cache/python
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup lock fmt check test test-fast test-faults test-containers compose-secrets demo up down bench bench-ingest bench-etl bench-columns bench-models bench-replicas bench-trainer bench-intervals docs

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(SETUP) ## a virtual environment with everything in it, from the hashed lock

$(SETUP): requirements.lock uv.requirements.lock $(PYPROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version + ". Set PYTHON=python3.11, for example: make setup PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r uv.requirements.lock
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	touch $@

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11

lock: ## resolve the locks anew after a change of dependencies
	$(COMPILE) $(foreach p,$(PYPROJECTS),--no-emit-package $(shell sed -nE 's/^name = "(.*)"/\1/p' $(p))) $(PYPROJECTS) dev.in -o requirements.lock
	$(foreach s,$(wildcard services/*),$(COMPILE) -c requirements.lock --no-emit-package okr-common libs/okr_common/pyproject.toml $(s)/pyproject.toml -o $(s)/requirements.lock &&) true

fmt: $(SETUP) ## format and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(SETUP) ## lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(wildcard libs/*/src) $(wildcard services/*/src)
	$(BIN)/lint-imports --no-cache
	$(BIN)/python docs/generate.py --check
	$(BIN)/python deploy/generate.py --check

test: $(SETUP) ## all tests that need no container engine: real Kafka, real PostgreSQL
	$(ONE_THREAD) $(BIN)/pytest -m "not containers and not long" --durations=10 $(PARALLEL)

test-fast: $(SETUP) ## the tests that need neither Kafka nor PostgreSQL
	$(ONE_THREAD) $(BIN)/pytest -m "not stack and not containers" $(PARALLEL)

test-faults: $(SETUP) ## the long series of kill -9 and outages
	$(BIN)/pytest -m "faults" --durations=10 $(PARALLEL)

test-containers: $(SETUP) ## docker-compose.yml on a real container engine; skips, and says why, where none answers
	$(BIN)/pytest -m containers --durations=5 tests/containers

compose-secrets: ## passwords for docker-compose.yml, drawn once into .okr/secrets, and the folder it watches
	deploy/secrets.sh
	mkdir -p data/raw

docs: $(SETUP) ## write the parts of docs/ that come from code
	$(BIN)/python docs/generate.py
	$(BIN)/python deploy/generate.py

demo: $(SETUP) ## the whole flow on real data, told in the terminal
	$(BIN)/okr demo

up: $(SETUP) ## start the embedded stack and the services
	$(BIN)/okr up

down: $(SETUP) ## stop them
	$(BIN)/okr down

bench: $(SETUP) ## speed, freshness and footprint, as a table and as build/bench.json
	$(BIN)/python bench --json build/bench.json

bench-etl: $(SETUP) ## etl alone: new rows, and all of them again with one that changed
	$(BIN)/python bench/etl.py --json build/bench-etl.json $(BENCH)

bench-columns: $(SETUP) ## what columns cost etl: a mapping of 40 beside one of 8
	$(BIN)/python bench/columns.py --json build/bench-columns.json $(BENCH)

bench-models: $(SETUP) ## what the pipelines know: the published data, replayed (not in the repository; see bench/models.py)
	OMP_NUM_THREADS=1 $(BIN)/python bench/models.py --json build/bench-models.json $(BENCH)

bench-intervals: $(SETUP) ## what the intervals of probabilities are worth, on the same data
	OMP_NUM_THREADS=1 $(BIN)/python bench/intervals.py $(BENCH)

bench-replicas: $(SETUP) ## two replicas of etl against one, on two sources of 500,000 rows each
	$(BIN)/python bench/etl_replicas.py --json build/bench-replicas.json $(BENCH)

bench-trainer: $(SETUP) ## the trainer alone: its stream, a training, /predict, a cold start, each beside the bare model
	$(BIN)/python bench/trainer.py --json build/bench-trainer.json $(BENCH)

bench-ingest: $(SETUP) ## ingest-csv alone: large and small files, all of it again; BENCH=--large adds a file of 2 GB
	$(BIN)/python bench/ingest.py --json build/bench-ingest.json $(BENCH)

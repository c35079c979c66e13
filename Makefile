# Everything a newcomer, a developer and CI need; all of it works offline once installed.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
JOBS   ?= 2
TRIALS ?= 300
SEED   ?= 0
DEMO   ?= --demo
STAMP  := $(VENV)/.installed

.PHONY: help install demo check format test test-slow test-gpu bench campaign mutants dist clean

help: ## Show these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch torchvision
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

install: $(STAMP) ## Make the virtual environment with pinned packages

demo: $(STAMP) ## Run the offline study and say where its report is
	$(BIN)/synthmix run studies/quickstart.yaml

check: $(STAMP) ## Format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_architecture.py

format: $(STAMP) ## Format and mend what a tool can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(STAMP) ## The whole fast suite, in JOBS processes
	$(BIN)/pytest -q --numprocesses $(JOBS) --dist loadfile

test-slow: $(STAMP) ## Tests that take minutes
	$(BIN)/pytest -q -m slow

test-gpu: $(STAMP) ## A small study on this machine's GPU
	$(BIN)/pytest -q -m gpu

bench: $(STAMP) ## All benchmarks; each writes its JSON
	for each in benchmarks/bench_*.py; do $(BIN)/python $$each || exit 1; done

campaign: $(STAMP) ## Damage TRIALS files of a study, then plan 700 hostile study files
	$(BIN)/python benchmarks/campaign_corruption.py --trials $(TRIALS) --seed $(SEED)
	$(BIN)/python benchmarks/campaign_settings.py --trials 700 --seed 1 --write

mutants: $(STAMP) ## Mutate evaluation, mixing, store and identity, and see what tests notice; hours
	$(BIN)/python -m pip install --quiet --constraint constraints.txt mutmut
	$(BIN)/mutmut run --max-children $(JOBS) || true
	$(BIN)/mutmut results

dist: $(STAMP) ## Build sdist and wheel, install the wheel alone, run the demo; DEMO= runs a small one
	$(BIN)/python scripts/try_distribution.py $(DEMO)

clean: ## Remove the environment and tool caches, never results
	rm -rf $(VENV) mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Two commands do everything on a machine with Python 3.11+ and make: `make quickstart` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNS ?= runs
LOCK ?= constraints.txt
PARALLEL := -n auto --maxprocesses 4 --dist loadfile

.PHONY: quickstart test test-all test-cluster lint docs paper bench accelerator clean

quickstart: $(READY)
	@$(BIN)/archlab run quickstart --runs $(RUNS)
	@$(BIN)/archlab figure quickstart --runs $(RUNS) --out $(RUNS)/quickstart/figures
	@$(BIN)/archlab report quickstart --runs $(RUNS) --out $(RUNS)/quickstart/report.html

test: $(READY)
	@$(BIN)/python -m pytest -m 'not slow' $(PARALLEL)

test-all: $(READY)
	@$(BIN)/python -m pytest $(PARALLEL)

# Real clusters on this machine: Slurm where it is installed (apt-get install slurm-wlm munge), Ray is installed here.
test-cluster: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[test,ray]'
	@$(BIN)/python -m pytest tests/cluster -rs

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# The pages of docs/ as a site in docs/site; a warning is an error.
docs: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[docs]'
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/site
	@echo "docs/site/index.html"

# The paper, docs/paper/paper.pdf: every number from the records of results/published.
paper: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[paper]'
	@$(BIN)/python docs/paper/build.py

bench: $(READY)
	@$(BIN)/archlab bench ops
	@$(BIN)/python tests/bench.py
	@$(BIN)/archlab bench scale
	@$(BIN)/python tests/bench_pipeline.py

# On a machine with a GPU or TPU: with whatever jax is there, nothing is installed. Extra words: make accelerator WORDS=--tiny
accelerator:
	@$(if $(wildcard $(READY)),$(BIN)/python,$(PYTHON)) -m benchmarks.accelerator --out results/benchmarks/accelerator $(WORDS)

# Bytecode is written on all cores, and not of the packages' own tests; a file that is no Python of this version is left to it.
$(READY): setup.cfg pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "archlab needs Python 3.11 or newer; call make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "installing into $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c $(LOCK) -e '.[test]'
	@$(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib > $(VENV)/compiled.log 2>&1 || true
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .ruff_cache

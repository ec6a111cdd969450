# make demo   the main job: train two baselines, measure them, draw them, execute the quickstart notebook
# make test   every check of the project
# make lab    JupyterLab on the notebooks
# make bench  the benchmarks;   make setup  what the others need;   make clean  removes what was built

SHELL      := /bin/bash
PYTHON     ?= python3
ROOT       := $(CURDIR)
BIN        := $(ROOT)/bin
VENV       := $(ROOT)/.venv
JUPYTER    := $(VENV)/bin/jupyter

# The kernel, its tools and its settings stay in the checkout: nothing is left in the user's home.
export PATH                := $(BIN):$(VENV)/bin:$(PATH)
export JUPYTER_DATA_DIR    := $(VENV)/share/jupyter
export JUPYTER_CONFIG_DIR  := $(VENV)/etc/jupyter-user
export GOMLX_NO_AUTO_INSTALL := 1

.PHONY: demo test lab bench setup setup-cuda tools clean build notebooks fidelity

setup: tools $(VENV)/.notebooks $(VENV)/.xla build $(VENV)/.kernel

build:
	go build -o $(BIN)/urlbench ./cmd/urlbench

tools: $(BIN)/.tools
$(BIN)/.tools: tools/go.mod tools/go.sum
	@mkdir -p $(BIN)
	cd tools && GOBIN=$(BIN) go install tool
	@touch $@

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

# Two separate steps: without PyPI the work still runs, on the pure Go backend and without notebooks.
$(VENV)/.xla: python/xla-cpu.txt | $(VENV)/bin/pip
	$(VENV)/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)/.notebooks: python/requirements.txt tools/go.mod | $(VENV)/bin/pip tools
	$(VENV)/bin/pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

# The kernel's specification names paths of this checkout: written anew where the checkout has moved.
$(VENV)/.kernel: build | $(VENV)/.notebooks
	$(BIN)/urlbench lab --install-only
	@touch $@

setup-cuda: | $(VENV)/bin/pip
	$(VENV)/bin/pip install -q --disable-pip-version-check -r python/xla-cuda.txt

# Without PyPI (or Python) the demo still trains, measures and draws; it says what it leaves out.
demo: build
	@$(MAKE) --no-print-directory setup || echo "demo: the notebook part could not be set up (see above): training on the pure Go backend, no executed notebook"
	$(BIN)/urlbench demo --out $(ROOT)/out/demo
	@if [ -e $(VENV)/.kernel ]; then $(BIN)/urlbench notebooks run --out $(ROOT)/out/demo notebooks/00_quickstart.ipynb; \
	 else echo "demo: left out out/demo/quickstart.html, since JupyterLab could not be installed"; fi

lab: setup
	$(BIN)/urlbench lab

# The packages that start goroutines run a second time under the race detector (what links GoMLX cannot: its buffers fail checkptr).
RACE := ./bench ./data/... ./urlkit/retrieve ./urlkit/run ./internal/notebook
test: setup
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }
	go vet ./...
	$(BIN)/staticcheck ./...
	@rm -rf out/fidelity && mkdir -p out/fidelity
	URLBENCH_FIDELITY=$(ROOT)/out/fidelity go test -count=1 -timeout 30m ./...
	go run ./internal/fidelity -notes out/fidelity -check
	go test -race -timeout 30m $(RACE)
	$(BIN)/urlbench notebooks lint
	$(BIN)/urlbench notebooks run --out $(ROOT)/out/test-notebooks

# Executes the notebooks anew in their places; look at out/notebooks/*.html before committing them.
notebooks: setup
	$(BIN)/urlbench notebooks run --in-place
	$(BIN)/urlbench notebooks lint

# docs/fidelity.md from a fresh run of the fixture tests.
fidelity: setup
	@rm -rf out/fidelity && mkdir -p out/fidelity
	URLBENCH_FIDELITY=$(ROOT)/out/fidelity go test -count=1 -timeout 30m -run Fixture ./urlkit/... ./data/...
	go run ./internal/fidelity -notes out/fidelity

bench: setup
	go test -run '^$$' -bench . -benchtime 3x ./urlkit/... ./data/...
	$(BIN)/urlbench bench

clean:
	rm -rf $(BIN) $(VENV) $(ROOT)/out $(ROOT)/output

# Everything lands in .venv/, studio/, build/ and out/; nothing is installed outside this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
READY := $(VENV)/.ready
MODELS_READY := $(VENV)/.models-ready
WEB := studio
WEB_READY := $(WEB)/node_modules/.installed
KIND ?= restyle_room
PHOTO ?=
MASK ?=
SOURCE ?=
TARGET ?=
CONSENT ?=
STYLE ?=
MODULE ?=
SAMPLE ?= 40
SEED ?= 1
JOBS ?= 200
FAULTS ?=

export PATH := $(abspath $(BIN)):$(PATH)
# Dozens of processes import the same libraries, each of which would compile them again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-models setup-web demo web test test-fast test-studio check format lock mutants chaos goldens bench synth reference clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Darkroom needs Python 3.11 or newer; try make PYTHON=python3.13")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(READY): $(BIN)/uv requirements.lock pyproject.toml
	@echo "Setting up $(VENV) …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# torch and its libraries are 6 GB: only what runs or tests the models engine waits for them.
$(MODELS_READY): $(READY) requirements-container.lock
	@echo "Adding the models engine to $(VENV) (6 GB) …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-container.lock
	@touch $@

$(WEB_READY): $(READY) $(WEB)/package-lock.json
	@echo "Adding what the studio is built with to $(WEB)/node_modules …"
	@$(BIN)/python -m infra.bundling.studio --install
	@touch $@

setup: $(READY) ## Make .venv with everything pinned in requirements.lock

demo: $(READY) ## Try a kind on a sample end to end: make demo [KIND=inpaint] [PHOTO=me.jpg] [STYLE=industrial]
	@$(BIN)/darkroom demo --kind $(KIND) $(if $(PHOTO),"$(PHOTO)") $(if $(STYLE),--style $(STYLE)) $(if $(MASK),--mask "$(MASK)") \
	  $(if $(SOURCE),--source "$(SOURCE)") $(if $(TARGET),--target "$(TARGET)") $(if $(CONSENT),--consent)

setup-web: $(WEB_READY) ## Add what the studio is built with to studio/node_modules

setup-models: $(MODELS_READY) ## Add the models engine to .venv: torch, diffusers, ultralytics

web: $(WEB_READY) ## Build the studio into build/studio/ and check its types
	@cd $(WEB) && npx tsc --noEmit
	@$(BIN)/python -m infra.bundling.studio

test: $(MODELS_READY) $(WEB_READY) ## Run every test; those in a browser where Chromium is installed
	@cd $(WEB) && npm test
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-fast: $(READY) ## Run the quick tests: no torch, no local stack, no browser
	@$(BIN)/python -m pytest --fast -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --hypothesis-profile fast

test-studio: $(WEB_READY) ## Run the studio's component tests with the Node of .venv: make test-studio [TESTS=tests/jobs]
	@cd $(WEB) && npm test $(if $(TESTS),-- $(TESTS))

check: $(MODELS_READY) $(WEB_READY) ## Lint, types, layering, templates, links of the documentation
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest --quiet --no-header tests/test_documentation.py tests/infra/test_cfn_lint.py
	@cd $(WEB) && npm run --silent check

format: $(READY) $(WEB_READY) ## Format the code and fix what the linters can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@cd $(WEB) && npm run --silent format

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
# What the SDK and the GPU container's server need, and the cpu lane's function does not. After make lock: python -m bench.image_size
NOT_IN_CPU_IMAGE := rich typer pygments httpx2 httpcore2 httpx2-jsfetch websockets shellingham markdown-it-py mdurl click colorama annotated-doc h11 truststore uvicorn starlette httptools anyio idna
lock: $(BIN)/uv ## Pin the newest allowed versions again
	@$(LOCK) pyproject.toml --group handlers --extra container --extra infra --extra dev --output-file requirements.lock --upgrade
	@$(LOCK) --group handlers --constraint requirements.lock --output-file requirements-handlers.lock --upgrade
	@$(LOCK) pyproject.toml --extra container --extra models --extra yolo --extra faces --constraint requirements.lock --output-file requirements-container.lock --upgrade
	@$(subst 3.11,3.13,$(LOCK)) pyproject.toml --extra container --extra lambda --constraint requirements.lock $(addprefix --no-emit-package ,$(NOT_IN_CPU_IMAGE)) --output-file requirements-cpu.lock --upgrade
	@$(BIN)/uv pip compile --quiet --python-version 3.13 --python-platform x86_64-unknown-linux-gnu --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-package opencv-contrib-python --custom-compile-command "make lock" containers/gpu/animator.in --constraint requirements-container.lock --output-file requirements-animator.lock --upgrade

mutants: $(READY) ## Find what no test notices: faults put into a copy of a module, one at a time: make mutants MODULE=handlers/jobs [SAMPLE=40] [SEED=1]
	@$(BIN)/python -m bench.mutants $(MODULE) --sample $(SAMPLE) --seed $(SEED)

chaos: $(READY) ## Run jobs of every kind while machines are killed, and check what docs/reliability.md promises: make chaos [JOBS=200] [SEED=7] [FAULTS=containers,events]
	@$(BIN)/python -m tests.chaos --jobs $(JOBS) $(if $(filter command environment,$(origin SEED)),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS))

goldens: $(READY) ## Renew what the preview engine's results look like (tests/data/golden), after an intended change
	@$(BIN)/python -m tests.pipeline.preview.golden

bench: $(READY) ## Measure the event path, the functions, the request guard, the preview engine and videos (a quarter of an hour), write docs/benchmarks.md; QUICK=1, PART=preview for less
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(addprefix --part ,$(PART))

synth: $(READY) ## Synthesize the CloudFormation templates for AWS into cdk.out/
	@$(BIN)/python -m infra

reference: $(READY) ## Renew what is generated from the contract, the fonts, the plans, the models and the templates: openapi.json, docs/
	@$(BIN)/python -m handlers.http_api.openapi --write
	@$(BIN)/python -m handlers.http_api.errors_reference
	@$(BIN)/python -m handlers.websocket.asyncapi --write
	@$(BIN)/python -m pipeline.subtitles.character_table
	@$(BIN)/python -m infra.commands.kinds_reference
	@$(BIN)/python -m infra.costs --markdown
	@$(BIN)/python -c "from pipeline.plans import plans_markdown; print(plans_markdown())" > docs/plans.md
	@$(BIN)/python -c "from pipeline.weights.catalog import catalog_markdown; print(catalog_markdown())" > docs/models.md
	@$(if $(wildcard $(WEB_READY)),cd $(WEB) && npm run --silent schema,echo "studio/src/contract/schema.d.ts is as it was: run make setup-web, then make reference again.")

# A stack whose folder is gone would go on running, and no command would find it.
clean: ## Stop the local stacks, then remove everything that make made
	@for folder in .darkroom/[0-9]*/; do \
	  test -d "$$folder" || continue; \
	  test -x $(BIN)/darkroom || { echo "Cannot stop local stacks without $(VENV): end those that run by hand."; break; }; \
	  $(BIN)/darkroom down --port "$$(basename "$$folder")" || exit; \
	done
	@rm -rf $(VENV) $(WEB)/node_modules $(WEB)/dist .darkroom out build cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis

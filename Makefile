# Tasks of this repository. `make` lists them; `make run` and `make test` are all a newcomer needs.
SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

venv := .venv
bin := $(venv)/bin
javascript := tests/integration/clients/javascript
paho_java := .tools/paho-java/org.eclipse.paho.client.mqttv3-1.2.5.jar
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests run on as many processes as there are cores; each starts nodes and databases of its own.
workers ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: help
help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: system-run $(venv)/installed-run ## Make .venv with certinel in it, and what it needs from the system

.PHONY: setup-test
setup-test: system-test $(venv)/installed-test $(javascript)/node_modules/installed $(paho_java)

.PHONY: run
run: setup ## Set up, then show a device connecting, and keep the platform running
	$(bin)/certinel demo

.PHONY: test
test: setup-test check ## Set up, then run every check and every test
	$(bin)/pytest --numprocesses=$(workers) --dist=loadfile $(tests)

.PHONY: check
check: $(venv)/installed-test ## Format, lint, types, layers, what is unused
	$(bin)/ruff format --check --quiet .
	$(bin)/ruff check --quiet .
	$(bin)/mypy --package certinel --no-error-summary
	$(bin)/lint-imports --no-cache --no-logo
	$(bin)/vulture
	$(bin)/deptry --no-ansi src

.PHONY: docs
docs: $(venv)/installed-test ## Build the pages into docs/_build; a warning is an error
	$(bin)/sphinx-build --builder html --fresh-env --nitpicky --fail-on-warning --quiet docs docs/_build

.PHONY: screenshots
screenshots: setup-test ## Take the pictures of the web interface in docs/images again
	$(bin)/python docs/screenshots.py

.PHONY: dist
dist: $(venv)/installed-test ## Make the wheel and the source archive in dist/
	rm -rf dist
	$(bin)/python -m hatchling build

.PHONY: bench
bench: system-run $(venv)/installed-run system-bench ## Measure the hot paths against mosquitto in the same run
	$(bin)/python -m bench

.PHONY: lock
lock: system-run ## Take the newest releases of everything and pin them again
	scripts/lock

.PHONY: clean
clean: ## Remove what the other tasks made, .venv included
	rm -rf $(venv) .tools .demo build dist docs/_build $(javascript)/node_modules
	rm -rf .mypy_cache .ruff_cache .hypothesis .import_linter_cache .pytest_cache .coverage .coverage.*
	find src tests -type d -name __pycache__ -prune -exec rm -rf {} +

# What the system must have. Looked at every time, since it takes no time: it comes and goes without a file of ours changing.
.PHONY: system-run system-test system-bench
system-run system-test system-bench: system-%:
	@scripts/system-packages $*

# Installed with hashes and without resolving: what the lock files name is what runs.
$(venv)/installed-run: requirements/run.txt requirements/build.txt pyproject.toml scripts/make-venv | system-run
	scripts/make-venv $(venv) requirements/run.txt requirements/build.txt
	@touch $@

$(venv)/installed-test: requirements/dev.txt $(venv)/installed-run
	$(bin)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements/dev.txt
	@touch $@

$(javascript)/node_modules/installed: $(javascript)/package-lock.json | system-test
	npm --prefix $(javascript) ci --ignore-scripts --no-fund --no-audit
	@touch $@

# Without a network there is no file afterwards, the tests that want it skip, and the next run asks again.
$(paho_java): scripts/fetch-paho-java | system-test
	scripts/fetch-paho-java $@

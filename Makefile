# The commands of this repository. Everything they need is installed or built by themselves.
.DEFAULT_GOAL := help
.PHONY: help demo test check verify generate clean
ENGINE ?= stand-in
PYTHON := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help:  ## Show these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: .venv/ready  ## Start a cluster, install Setpoint, serve a model, chat with it (ENGINE=vllm-cpu: real vLLM)
	@$(PYTHON) -m e2e.demo --engine $(ENGINE)

test: .venv/ready  ## Run every tier of the tests, on a real cluster too
	@$(PYTHON) -m e2e.suite

check: .venv/ready  ## Run the quick tiers: lint, types, layers, generated files, unit tests
	@$(PYTHON) -m e2e.suite --quick

verify: .venv/ready  ## Regenerate what is generated, and fail on a difference
	@$(PYTHON) -m e2e.generated --check

generate: .venv/ready  ## Write what is generated: CRDs, RBAC, chart, reference, golden files
	@$(PYTHON) -m e2e.generated

clean:  ## End the demo's cluster and remove the virtual environment; what took long to build stays cached
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m e2e.clusters down; \
	elif [ -e /var/lib/setpoint-e2e/cluster ]; then $(MAKE) --no-print-directory .venv/ready && $(PYTHON) -m e2e.clusters down; fi
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/ready: pyproject.toml uv.lock e2e/bootstrap
	@e2e/bootstrap
	@touch $@

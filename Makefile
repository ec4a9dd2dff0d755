# Each target installs what it needs, and is quick when nothing is missing.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

ORRERY_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/orrery
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(ORRERY_CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)
EXAMPLES := --config examples/openinsure/orrery.yaml --config examples/commerce/orrery.yaml
POLICIES ?= 1000
PACKAGES ?= ./...

.PHONY: help setup build up down seed test check lint bench soak fuzz clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing: MySQL (user's cache), PostgreSQL, Go modules
	@scripts/setup

build: ## Build bin/orrery
	@go build -trimpath -ldflags='-s -w' -o bin/orrery ./cmd/orrery

up: setup build ## Run the platform with the example databases and data
	@bin/orrery up -d $(EXAMPLES)
	@$(MAKE) --no-print-directory seed
	@bin/orrery status

down: ## Stop the platform; data stays
	@bin/orrery down

seed: ## Fill the example databases (POLICIES=1000)
	@eval "$$(bin/orrery env)" && go run ./examples/openinsure/seed --policies $(POLICIES)
	@eval "$$(bin/orrery env)" && go run ./examples/commerce/seed

test: setup build ## Run every test: Go with the race detector, then real clients
	@go test -race -timeout 15m $(PACKAGES)
	@e2e/run

check: setup ## Format, vet, lint, fast tests
	@test -z "$$(gofmt -l cmd internal examples)" || { gofmt -l cmd internal examples; echo "run gofmt -w on these"; exit 1; }
	@go vet ./...
	@$(MAKE) --no-print-directory lint
	@go test -short $(PACKAGES)

lint: $(GOLANGCI)
	@$(GOLANGCI) run

$(GOLANGCI):
	@echo "installing golangci-lint $(GOLANGCI_VERSION)"
	@mkdir -p $(dir $@)
	@GOBIN=$(dir $@)new go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(dir $@)new/golangci-lint $@ && rmdir $(dir $@)new

bench: setup ## Benchmarks of the hot path (allocations a message, plan look-ups)
	@go test -run '^$$' -bench . -benchmem ./internal/statement/... ./internal/gateway/...

soak: setup ## Kill orrery with SIGKILL under writes and deployments, again and again (ROUNDS=30 SEED=1)
	@ORRERY_CRASH_ROUNDS=$(or $(ROUNDS),30) ORRERY_CRASH_SEED=$(or $(SEED),1) go test -count=1 -v -timeout 60m -run 'TestKill$$' ./internal/node

fuzz: ## Fuzz the wire parsers, a minute each (FUZZTIME=1m)
	@scripts/fuzz $(or $(FUZZTIME),1m)

clean: ## Remove what was built
	@rm -rf bin

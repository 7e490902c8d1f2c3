# Targets of the project; `make` alone lists them.

SHELL    := /bin/bash
GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -X main.release=$(VERSION)
TOOL     := $(GO) tool -modfile=tools/go.mod

# make fuzz: how long each target runs; make bench: which benchmarks (a regular
# expression); make run: where its data are.
FUZZTIME ?= 60s
KILLS    ?= 100
BENCH    ?= .
RUNDATA  ?= $(CURDIR)/bin/run

# go-sqlite3 is C: without this Go would quietly build without it on a machine
# that has CGO_ENABLED=0 set.
export CGO_ENABLED := 1

.PHONY: help setup build demo test corpus bench figures fuzz lint run stress

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## install from Debian what building and testing need and is missing
	@test/setup.sh

build: ## build bin/fanmill
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/fanmill ./cmd/fanmill

demo: setup build ## a private Postfix, real mail, what became of it (under 3 minutes)
	$(GO) run ./test/demo -fanmill '$(CURDIR)/bin/fanmill'

test: setup ## all tests, then the suites with real servers (those need root)
	$(GO) test -race -shuffle=on -timeout 15m ./...
	@GO='$(GO)' test/golden.sh
	$(GO) test -tags system -count=1 -shuffle=on -timeout 30m ./test/harness ./test/system

stress: setup ## kill -9 of daemon and trainers, KILLS rounds (default 100); needs root
	FANMILL_KILL_ROUNDS=$(KILLS) $(GO) test -count=1 -v -timeout 60m -run 'TrainKilledAtRandom' ./training
	FANMILL_KILL_ROUNDS=$(KILLS) $(GO) test -tags system -count=1 -v -timeout 60m -run 'KillUnderLoad' ./test/system

corpus: setup ## write the SpamAssassin corpus to corpus/
	$(GO) run ./test/corpus

bench: corpus ## benchmarks, beside bogofilter's, the rate through Postfix (needs root), figures
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -p 1 -timeout 60m ./...
	$(GO) run ./test/system/rate
	@$(MAKE) --no-print-directory figures

figures: corpus ## the tables of docs/accuracy.md and docs/training.md
	$(GO) run ./test/figures
	$(GO) run ./test/resist
	$(GO) run ./test/exhaust

fuzz: ## run every fuzz target for FUZZTIME (default 60s), one after the other
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' test/fuzz.sh

lint: ## gofumpt, go vet, staticcheck, shell syntax, import rules
	@unformatted=$$($(TOOL) gofumpt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then \
		printf 'not formatted as gofumpt would:\n%s\nrun: %s gofumpt -w .\n' "$$unformatted" '$(TOOL)'; exit 1; \
	fi
	$(GO) vet ./...
	$(GO) vet -tags system ./...
	$(TOOL) staticcheck ./...
	$(TOOL) staticcheck -tags system ./test/...
	@for script in .ci/run test/*.sh; do bash -n "$$script" || exit 1; done
	$(GO) test -count=1 ./test/imports

run: build ## build, then serve from a scratch data directory, observing only
	@mkdir -p '$(RUNDATA)'
	bin/fanmill serve --data '$(RUNDATA)'

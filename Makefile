# The project's verbs; CI calls these and nothing else.
#
# `make demo` needs cargo alone. Everything else needs what `make setup` installs.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

# The client compiles for the browser: it is left out where the host's target is built.
HOST := --workspace --exclude lightspeed-client
# Lints are the same on the host, for a toolchain that builds the client by a detour (scripts/build-client.sh).
WASM = $(if $(wildcard $(shell rustc --print target-libdir --target wasm32-unknown-unknown)),--target wasm32-unknown-unknown)

.PHONY: help setup demo ci nightly check fmt test simulate simulate-fresh breakages fuzz generate drift client client-check e2e browser-fuzz browser-fuzz-fresh browser-fuzz-breakages bench bench-wire bench-gate bench-server bench-deflate bench-load bench-growth bench-memory bench-storm bench-roll bench-bystanders bench-siege bench-slow bench-browser bench-build package docs deny clean

help: ## list the verbs
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 24

setup: ## install what is missing: WASM target, nightly for fuzzing, cargo and npm tools, Chromium, HAProxy, valgrind
	@scripts/setup.sh

demo: ## serve the gallery of examples on LIGHTSPEED_ADDR (127.0.0.1:3000); needs only cargo
	cargo run --release -p lightspeed-examples --bin gallery

ci: ## what a change must pass before a merge: setup, then each check from stated seeds, with its seconds
	@scripts/ci.sh

nightly: ## what takes long or starts from fresh seeds: worlds, components, hostile bytes, breakages
	@scripts/nightly.sh

check: ## formatting, lints, and files that import each other in circles
	cargo fmt --all --check
	node scripts/circles.mjs
	cargo clippy $(HOST) --all-targets -- -D warnings
	# As applications build it that ask for no feature.
	cargo clippy --package lightspeed -- -D warnings
	cargo clippy --package lightspeed-client $(WASM) -- -D warnings

fmt: ## format the Rust sources
	cargo fmt --all

test: ## every test that needs no browser, and the examples in the docs
	cargo nextest run $(HOST) $(if $(CI),--profile ci)
	cargo test $(HOST) --doc

SEEDS ?= 1000
SEED ?= 1
STEPS ?= 200

simulate: ## run SEEDS=1000 worlds of STEPS=200 from SEED=1, after those that once found something
	cargo run --quiet --release -p lightspeed-simulation --bin simulate -- --stored runtime/simulation/seeds.txt --seeds $(SEEDS) --seed $(SEED) --steps $(STEPS)

# `SECONDS=n` on the command line, or what `make nightly` sets. (A shell has a variable of that name, which isn't meant.)
FRESH_SECONDS ?= 90
FUZZ_SECONDS ?= 20
seconds = $(if $(filter command line,$(origin SECONDS)),$(SECONDS),$(1))

simulate-fresh: ## run worlds that nobody has seen for SECONDS=90, from a seed that is the time
	cargo run --quiet --release -p lightspeed-simulation --bin simulate -- --stored runtime/simulation/seeds.txt --seconds $(call seconds,$(FRESH_SECONDS)) --seed $$(date +%s)000

breakages: ## break the code on purpose and have the simulation find it
	@scripts/breakages.sh

fuzz: ## hostile input to decoder, validator, client and session, each for SECONDS=n (20); needs a nightly toolchain
	@scripts/fuzz.sh $(call seconds,$(FUZZ_SECONDS))

generate: ## write the files that derive from the instruction table
	cargo run --quiet -p lightspeed-bench --bin generate

drift: ## fail when a generated file is not what its source gives
	@scripts/drift.sh

client: ## build the browser client into runtime/server/assets/client
	@scripts/build-client.sh

client-check: ## fail when the committed client was built from other sources; rebuild it
	@scripts/check-client.sh

e2e: ## drive the examples in a real browser
	@scripts/e2e.sh

CASES ?= 300

browser-fuzz: ## serve CASES=300 random components from SEED=1 to a real browser, or run CASE=name again
	@scripts/browser-fuzz.sh $(if $(CASE),--case '$(CASE)',--cases $(CASES) --seed $(SEED))

browser-fuzz-fresh: ## serve CASES=300 random components that nobody has seen, from a seed that is the time
	@scripts/browser-fuzz.sh --cases $(CASES) --seed $$(date +%s)000

browser-fuzz-breakages: ## break the client's JavaScript on purpose and have the browser fuzzer find it
	@scripts/browser-fuzz-breakages.sh

bench: ## every measurement beside its rivals, in one run of about half an hour: a table, bench/results/bench.json and bench.html
	@scripts/bench.sh

bench-growth: ## how an event's cost grows with the rows on the page, to 100,000
	cargo run --release --quiet -p lightspeed-bench --bin growth

bench-wire: ## bytes on the wire and the client's size, from real frames, beside their budgets
	cargo run --quiet -p lightspeed-bench --bin wire

bench-gate: ## bytes, instructions, allocations and ratios of them beside bench/limits.toml; fails above it
	cargo run --release --quiet -p lightspeed-gate --bin gate

bench-server: ## what a server does for an event, stage by stage, beside maud and Dioxus (builds Dioxus)
	cargo run --release --quiet -p lightspeed-bench --bin server

bench-deflate: ## what compression of large frames saves, and what it costs a server, level by level
	cargo run --release --quiet -p lightspeed-bench --bin deflate

bench-load: ## events per second and latencies of many pages over loopback, beside a bare echo
	cargo run --release --quiet -p lightspeed-bench --bin load

bench-storm: ## 10,000 pages lose their server at once: how long until all are back (loopback only)
	cargo run --release --quiet -p lightspeed-bench --bin storm

bench-roll: ## two servers behind HAProxy are restarted while visitors click: what became of the clicks
	cargo run --release --quiet -p lightspeed-bench --bin roll

bench-bystanders: ## 10 sessions panic all the time, in turns: how long the clicks of 50 others take (loopback only)
	cargo run --release --quiet -p lightspeed-bench --bin bystanders

bench-siege: ## strangers hold what they can, in turns: what 50 visitors notice, and what is left of it (loopback only, a minute)
	cargo run --release --quiet -p lightspeed-bench --bin siege

bench-slow: ## beside sessions whose update takes 10 s, sleeping or computing: how long others' clicks take, with 1, 2 and 16 workers (loopback only, 10 minutes)
	cargo run --release --quiet -p lightspeed-bench --bin slow

bench-browser: ## the client beside vanilla JavaScript, LiveView's and Dioxus' in one browser; ROUNDS=n (5), PASSES=n (3)
	@scripts/bench-browser.sh

bench-memory: ## what a session takes in the server's memory, beside its budgets, with two allocators (loopback only)
	cargo run --release --quiet -p lightspeed-bench --bin memory; first=$$?; \
	cargo run --release --quiet -p lightspeed-bench --bin memory --features jemalloc -- --only "TCP|Dioxus" && exit $$first

bench-build: ## what a first build costs beside axum and maud, and a changed line; LLVM lines, size; fails above 1.5 times; ROUNDS=n (1)
	@scripts/bench-build.sh

package: ## package what is published, and serve a counter that is built from the packages alone
	@scripts/package.sh

docs: ## the API documentation, with every warning an error
	RUSTDOCFLAGS="-D warnings" cargo doc $(HOST) --no-deps

deny: ## licences, banned and duplicate crates, sources
	cargo deny --workspace check --hide-inclusion-graph licenses bans sources

clean: ## remove what was built, but for the committed client
	cargo clean
	rm -rf client-js/node_modules e2e/node_modules bench/browser/node_modules e2e/screenshots e2e/test-results

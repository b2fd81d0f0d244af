# Everything a developer or CI needs. Nothing here edits a file, except `make bless`.

export CARGO_TERM_COLOR ?= always
TESTS := $(shell cargo nextest --version >/dev/null 2>&1 && echo "nextest run" || echo "test")
HUNT ?= 10m

.PHONY: help verify test hunt bench bless install-test-servers

help:
	@echo "make test      install what the tests need (when root) and run them all"
	@echo "make verify    fmt, clippy, docs, house rules: edits nothing"
	@echo "make hunt      look for bugs over fresh seeds, simulated and then with real faults, and for false alarms, for HUNT=$(HUNT) each"
	@echo "make bench     measure, against rivals in the same run, into docs/benchmarks.md"
	@echo "make bless     accept the scenarios' new texts"

verify:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	cargo $(TESTS) -p hotseat-lab --test house_rules

# The binary first: the end-to-end tests run it.
test: install-test-servers
	cargo build -p hotseat
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo $(TESTS) --workspace
	cargo test --workspace --doc --quiet

install-test-servers:
	sh lab/install

hunt:
	cargo run --release -p hotseat-sim -- hunt --for $(HUNT)
	cargo build --release -p hotseat -p hotseat-lab --bins
	target/release/hotseat-lab-hunt --for $(HUNT) --store raft
	target/release/hotseat-bench --only alarms --alarms-for $(HUNT)

bench: install-test-servers
	cargo build --release -p hotseat -p hotseat-lab -p hotseat-sim
	target/release/hotseat-bench --write docs/benchmarks.md

bless:
	BLESS=1 cargo $(TESTS) -p hotseat-sim -p hotseat-agent

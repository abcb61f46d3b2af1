# Commands of this repository; docs/ and README.md say what they are for.
#
#   make setup       install what a Debian 12 machine lacks (quick when nothing does)
#   make build       build the extension
#   make demo        copy a shop from a MariaDB of its own into a PostgreSQL of its own; KEEP=1 leaves both running
#   make test        format, clippy, unit, in-server and integration tests, documentation
#   make test-mysql  integration tests against a real MySQL 9
#   make soak        20 minutes of many jobs, random calls and faults
#   make lint        format and clippy
#   make install     install into the PostgreSQL of PG_CONFIG
#   make bench       measure: the first copy against pgloader and COPY, the stream against MariaDB's replica
#   make bench-stream  the second half only
#   make clean       remove what was built

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

PG_MAJOR  ?= 15
PG_CONFIG ?= /usr/lib/postgresql/$(PG_MAJOR)/bin/pg_config
TARGET    := $(or $(CARGO_TARGET_DIR),target)

# The linkers of Linux keep the section that cargo-pgrx reads. Without this its builds and those of
# plain cargo differ in flags, and each dependency is built twice.
export CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND := 1

# What promises a time is tested by itself, the rest three at once.
E2E := cargo test --test e2e -- --test-threads=3 --skip lifecycle:: --skip tuning:: && cargo test --test e2e -- --test-threads=1 lifecycle:: tuning::

.PHONY: setup build demo test test-mysql soak lint install bench bench-stream clean

setup:
	@PG_MAJOR=$(PG_MAJOR) .ci/setup

build: setup
	@.ci/stage

demo: setup
	@.ci/stage
	@KEEP="$(KEEP)" cargo run --quiet --example demo

lint: setup
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --lib --features pg_test -- -D warnings

test:
	@TESTS=1 PG_MAJOR=$(PG_MAJOR) .ci/setup
	@$(MAKE) --no-print-directory lint
	cargo test --lib
	cargo test --test tidy
	.ci/stage --pg-test
	cargo test --test in_server
	.ci/stage
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --no-deps --document-private-items --quiet
	$(E2E)

test-mysql: setup
	@TESTS=1 PG_MAJOR=$(PG_MAJOR) .ci/setup
	@.ci/mysql
	@.ci/stage
	@if [ -x "$$(.ci/mysql --path)/usr/sbin/mysqld" ]; then \
	    export PG_TRIBUTARY_MYSQL="$$(.ci/mysql --path)"; $(E2E); \
	fi

soak: setup
	@.ci/stage
	TRIBUTARY_SOAK_MINUTES=20 cargo test --test e2e soak:: -- --nocapture

install: setup
	cargo pgrx install --release $(if $(filter-out 0,$(shell id -u)),--sudo) --pg-config $(PG_CONFIG)

bench bench-stream: setup
	@BENCH=1 .ci/setup
	@.ci/stage --release
	@cargo run --quiet --release --example bench -- $(patsubst bench-%,%,$(filter-out bench,$@))

clean:
	rm -rf "$(TARGET)"

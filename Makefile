# One command each. On a fresh Debian 12 machine with a Swift 6.3 toolchain, `make run` and `make test` do all their
# set-up themselves; it needs root or sudo, and only while something is missing.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

RUN_PACKAGES := libsqlite3-dev libpq-dev libidn2-dev libpsl-dev libsodium-dev zlib1g-dev pkg-config
TEST_PACKAGES := $(RUN_PACKAGES) libcurl4 php-cli php-sqlite3 golang-go nodejs python3 python3-venv python3-cryptography postgresql-15 sqlite3 curl openssl strace
# Hosts, databases and what stands before the nodes, for Tests/Cluster. None of them is to run as a service here.
CLUSTER_PACKAGES := postgresql-15 postgresql-client-15 patroni etcd-server etcd-client haproxy iproute2 nftables util-linux python3
BENCH_PACKAGES := $(RUN_PACKAGES) python3 nginx-light sqlite3 wrk

# What the tests of openapi.yaml are made with, in a Python environment of its own.
SCHEMATHESIS_VERSION := 4.32.5
PYTHON_TOOLS := .build/python

# A target may import only what Package.swift lists for it.
BUILD_FLAGS := --explicit-target-dependency-import-check error
SIGNET := .build/release/signet
ARGS ?=
EMPTY :=
SPACE := $(EMPTY) $(EMPTY)
COMMA := ,
# Not $(MAKE), which `make --dry-run` would run.
AGAIN := $(MAKE) --no-print-directory

# A python that has `cryptography`: the one on the path, else Debian's.
PYTHON = $(or $(shell for python in python3 /usr/bin/python3; do \
	$$python -c 'import cryptography' 2>/dev/null && echo $$python && break; done),python3)
# Network namespaces need it; the settings of the suites go along. Without sudo the program says itself what is missing.
CLUSTER_SETTINGS := SIGNET_BINARY,$(subst $(SPACE),$(COMMA),$(addprefix SIGNET_CLUSTER_,KILLS DEATHS REVOCATIONS FULL_SECONDS))
AS_ROOT = $(if $(filter-out 0,$(shell id -u)),$(if $(shell command -v sudo),sudo --preserve-env=$(CLUSTER_SETTINGS)))
UNITTEST = $(PYTHON) -W error::ResourceWarning -m unittest discover --verbose --start-directory

# Installs those of the Debian packages $(1) that are missing. Services that come with them are not started, unless the
# machine has a policy of its own about that (policy-rc.d(8): 101 forbids).
define install
@missing=$$(command -v dpkg-query >/dev/null || { echo "setup: not Debian; please provide: $(1)" >&2; exit; }; \
	for package in $(1); do \
		[ "$$(dpkg-query --show --showformat='$${db:Status-Status}' $$package 2>/dev/null)" = installed ] \
			|| printf '%s ' $$package; \
	done); \
[ -z "$$missing" ] && exit 0; \
as_root=; \
if [ "$$(id -u)" != 0 ]; then \
	command -v sudo >/dev/null || { echo "setup: as root, please run: apt-get install $$missing" >&2; exit 1; }; \
	as_root=sudo; \
fi; \
echo "setup: installing $$missing"; \
policy=/usr/sbin/policy-rc.d; ours=; \
[ -e $$policy ] || { ours=yes; printf '#!/bin/sh\nexit 101\n' | $$as_root install -m 755 /dev/stdin $$policy; }; \
trap '[ -z "$$ours" ] || $$as_root rm -f $$policy' EXIT; \
$$as_root apt-get update --quiet=2 \
	&& $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends $$missing
endef

.PHONY: help
help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: toolchain
toolchain:
	@command -v swift >/dev/null || { echo "setup: no swift on the path; Swift 6.3 is needed (swift.org)" >&2; exit 1; }

.PHONY: setup-run
setup-run: toolchain
	$(call install,$(RUN_PACKAGES))

.PHONY: setup
setup: toolchain ## Installs what building and testing need from Debian, if it is missing
	$(call install,$(TEST_PACKAGES))
	@[ "$$($(PYTHON_TOOLS)/bin/schemathesis --version 2>/dev/null)" = "schemathesis, version $(SCHEMATHESIS_VERSION)" ] || { \
		echo "setup: installing schemathesis $(SCHEMATHESIS_VERSION) into $(PYTHON_TOOLS)"; mkdir -p .build; \
		python3 -m venv --clear $(PYTHON_TOOLS) \
			&& $(PYTHON_TOOLS)/bin/pip install --quiet --disable-pip-version-check schemathesis==$(SCHEMATHESIS_VERSION); }

.PHONY: setup-bench
setup-bench: toolchain
	$(call install,$(BENCH_PACKAGES))

.PHONY: setup-cluster
setup-cluster: toolchain
	$(call install,$(CLUSTER_PACKAGES))

.PHONY: build
build: setup-run ## Builds everything for debugging
	swift build $(BUILD_FLAGS)

.PHONY: release
release: setup-run ## Builds .build/release/signet
	swift build --configuration release --product signet $(BUILD_FLAGS)

.PHONY: license-check
license-check: setup-run ## Builds .build/release/license-check, the Swift client as a program
	swift build --configuration release --product license-check $(BUILD_FLAGS)

.PHONY: run
run: release ## Serves with demonstration data in data/demo and prints a curl line to try
	exec $(SIGNET) serve --demo --data data/demo --keys data/demo/Keys $(ARGS)

.PHONY: serve
serve: release ## Serves with the settings of the machine: make serve ARGS="--listen 127.0.0.1:9000"
	exec $(SIGNET) serve $(ARGS)

PORT ?= 8080
CLUSTER = $(AS_ROOT) python3 Tests/Cluster/demonstration.py

.PHONY: cluster
cluster: setup-cluster release ## Serves from three databases, three nodes and haproxy on this machine; needs root
	exec $(CLUSTER) serve --port $(PORT)

.PHONY: cluster-watch
cluster-watch: ## One validation a second through the running cluster, a line each
	@exec $(CLUSTER) watch --port $(PORT)

.PHONY: cluster-status cluster-kill-primary cluster-stop-node cluster-heal
cluster-status: ## Who leads and who follows in the running cluster
cluster-kill-primary: ## Kills PostgreSQL and Patroni on the host that leads
cluster-stop-node: ## Kills one Signet node of the running cluster
cluster-heal: ## Starts again what was killed
cluster-status cluster-kill-primary cluster-stop-node cluster-heal:
	@$(CLUSTER) $(@:cluster-%=%)

.PHONY: lint
lint: toolchain ## Checks layout (swift format) and the source tree (Tests/Tidy)
	swift format lint --strict --parallel --recursive Sources Tests Examples/swift Benchmarks Package.swift
	python3 Tests/Tidy/tidy.py

# Each suite runs even when an earlier one failed, so that one run shows all there is to mend. A suite that ran no test
# has failed; one that says that this machine does not let it (no root, no network namespaces) is named, and has not passed.
.PHONY: test
test: setup ## Runs every test: lint, Swift, then the release binary from outside, five languages' clients, a cluster
	@passed=0; failed=0; broken=; impossible=; mkdir -p .build; \
	suite() { \
		name=$$1; shift; printf '\n==== %s\n' "$$name"; \
		if "$$@" 2>&1 | tee .build/suite.log && ! grep -Eq '^Ran 0 tests|with 0 tests' .build/suite.log; \
		then passed=$$((passed + 1)); \
		elif grep -q '^cluster: impossible on this machine' .build/suite.log; then impossible="$$impossible $$name"; \
		else failed=$$((failed + 1)); broken="$$broken $$name"; fi; \
	}; \
	suite lint $(AGAIN) lint; \
	suite tidy $(UNITTEST) Tests/Tidy; \
	suite scale $(UNITTEST) Benchmarks/Scale; \
	suite swift swift test --disable-xctest $(BUILD_FLAGS); \
	suite postgresql $(AGAIN) test-postgresql; \
	suite docs $(AGAIN) render; \
	suite release $(AGAIN) release license-check; \
	export SIGNET_BINARY="$(CURDIR)/$(SIGNET)" SIGNET_LICENSE_CHECK="$(CURDIR)/.build/release/license-check"; \
	suite system $(UNITTEST) Tests/System; \
	suite clients $(UNITTEST) Tests/Clients; \
	suite cluster $(AGAIN) test-cluster; \
	[ -z "$$impossible" ] || printf '\nnot run, impossible on this machine:%s\n' "$$impossible"; \
	[ -z "$$broken" ] || printf '\nfailed:%s\n' "$$broken"; \
	printf '\nsuites: %s passed, %s failed\n' $$passed $$failed; \
	[ $$failed = 0 ]

# Tests at once: each has a house of its own, with connections of its own.
POSTGRESQL_WIDTH := 8
STORED := Database Cluster Journal Upkeep Access Licensing HTTPAPI SignetApp

.PHONY: test-postgresql
test-postgresql: setup ## Runs the tests of all that is stored on a PostgreSQL server, which it starts itself
	SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(POSTGRESQL_WIDTH) $(PYTHON) Tests/PostgreSQL/server.py \
		swift test --disable-xctest $(BUILD_FLAGS) --filter '^($(subst $(SPACE),|,$(STORED)))Tests\.'

.PHONY: test-cluster
test-cluster: setup-cluster release ## Breaks a cluster of three databases and three nodes under load; needs root
	SIGNET_BINARY="$(CURDIR)/$(SIGNET)" $(AS_ROOT) $(UNITTEST) Tests/Cluster

.PHONY: test-fast
test-fast: setup-run ## Runs the tests of the pure parts only
	swift test --disable-xctest $(BUILD_FLAGS) --filter '^(Primitives|LicenseToken|Licensing)Tests\.'

# The pages link to symbols, which are read from the modules that were built; a link that leads nowhere fails it. The C
# modules are those that the libraries import.
DOCUMENTED := LicenseToken LicenseClient
C_MODULES = $(wildcard Sources/CZlib/module.modulemap .build/checkouts/swift-crypto/Sources/*/include/module.modulemap)

.PHONY: docs
docs: setup-run ## Renders the documentation of the libraries for Swift into .build/docs
	swift build --product license-check $(BUILD_FLAGS)
	@$(AGAIN) render

.PHONY: render
render:
	@target=$$(swift -print-target-info | sed -n 's/^ *"triple": "\(.*\)",*$$/\1/p' | head -1); \
	for library in $(DOCUMENTED); do \
		rm -rf .build/symbols/$$library .build/docs/$$library.doccarchive; mkdir -p .build/symbols/$$library .build/docs; \
		swift symbolgraph-extract -module-name $$library -I .build/debug/Modules -target $$target \
			$(C_MODULES:%=-Xcc -fmodule-map-file=%) -minimum-access-level public -output-dir .build/symbols/$$library \
		&& docc convert Sources/$$library/$$library.docc --additional-symbol-graph-dir .build/symbols/$$library \
			--fallback-display-name $$library --fallback-bundle-identifier signet.$$library --warnings-as-errors \
			--output-dir .build/docs/$$library.doccarchive || exit 1; \
	done

.PHONY: golden
golden: setup-run ## Rewrites the golden files; read the difference before committing it
	UPDATE_GOLDEN=1 swift test --disable-xctest $(BUILD_FLAGS) --filter Golden

.PHONY: bench
bench: setup-bench release ## Measures a warm validation beside nginx answering the same bytes
	python3 Benchmarks/validate.py $(ARGS)

.PHONY: bench-index
bench-index: setup-run ## Measures the index in memory: bytes per license, cost of a lookup; ARGS=10000000 for ten million
	swift build --configuration release --product IndexBench $(BUILD_FLAGS)
	.build/release/IndexBench $(ARGS)

.PHONY: bench-start
bench-start: setup-bench release ## Measures a start with a million licenses beside the sqlite3 shell reading the same rows
	python3 Benchmarks/start.py $(ARGS)

.PHONY: bench-scale
bench-scale: ## Prints the arithmetic and the simulations of docs/scale.md; ARGS=herd for one table
	python3 Benchmarks/Scale/simulate.py $(ARGS)

.PHONY: bench-postgresql
bench-postgresql: setup setup-bench release ## Measures Signet's writes on PostgreSQL, alone and with a synchronous standby
	python3 Benchmarks/Scale/postgresql.py $(ARGS)
	python3 Benchmarks/Scale/claims.py $(CLAIMS_ARGS)

.PHONY: clean
clean: ## Removes what builds made; data and keys stay
	swift package clean
	find Tests Benchmarks -name __pycache__ -prune -exec rm -r {} +

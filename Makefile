# The only door for people and CI. `make demo` shows the main job, `make test` proves it; both
# install what they need (apt, where they may) and say so. Target names follow Kubewarden's policies.
.DELETE_ON_ERROR:
CARGO ?= $(shell command -v cargo 2>/dev/null || echo /usr/bin/cargo)
# Where libclang is, for the build that ships; installs what that build needs.
BINDINGS = path=$$(launcher/setup) && LIBCLANG_PATH=$$path
SOURCES := Cargo.toml Cargo.lock policy/build-wasm $(shell find core shape policy -name '*.rs' -o -name '*.toml' -o -name '*.yaml')

.PHONY: help demo machine launcher test check fmt lint drift deny test-rdma e2e-tests golden bench kserve vllm-versions vllm-versions-check test-vllm do-nothing.wasm setup clean

help: ## what each target does
	@sed -n 's/^\([a-z.-]*\):.*## /\1\t/p' Makefile | expand -t 24

setup: ## a C compiler and cargo, where the machine has none
	@policy/setup

policy.wasm: $(SOURCES) | setup ## the policy, before annotation
	policy/build-wasm policy.wasm

annotated-policy.wasm: policy.wasm policy/metadata.yml policy/README.md ## the policy with its metadata (needs kwctl)
	kwctl annotate -m policy/metadata.yml -u policy/README.md -o annotated-policy.wasm policy.wasm

target/do-nothing.wasm: $(SOURCES) | setup
	policy/build-wasm --example do-nothing target/do-nothing.wasm

do-nothing.wasm: target/do-nothing.wasm ## the floor that `make bench` measures against

NAME ?= h100-8x-roce-front-end-pair
machine: | setup ## probe, plan and doctor of a machine of tests/machines: make machine NAME=…
	@$(CARGO) build --quiet --locked -p prefill-launcher --bins --examples
	@target/debug/examples/machine $(NAME) target/machines

launcher: | setup ## the launcher as it ships: target/release/prefill-launcher
	$(BINDINGS) $(CARGO) build --release --locked -p prefill-launcher --features rdma-sys

demo: policy.wasm ## two pods through the policy server's engine as diffs, then an H100 node through the launcher; each with why
	@$(CARGO) run --quiet --locked -p prefill-conformance --features policy-server --bin demo
	@$(MAKE) --no-print-directory machine

test: policy.wasm target/do-nothing.wasm ## all but e2e-tests, kserve, test-rdma, test-vllm and vllm-versions-check, which need more than this machine has
	$(CARGO) test --locked --features prefill-conformance/policy-server
	$(BINDINGS) $(CARGO) test --locked -p prefill-launcher --features rdma-sys --bins

test-rdma: launcher ## the launcher on real soft-RoCE devices, in a kernel of its own (tests/rdma)
	tests/rdma/run

fmt: | setup ## fail where rustfmt would change a line
	$(CARGO) fmt --all --check

lint: | setup ## clippy, pedantic, warnings are errors
	$(CARGO) clippy --locked --all-targets --features prefill-conformance/policy-server -- -D warnings
	$(CARGO) clippy --locked -p prefill-launcher --test vllm -- -D warnings
	$(BINDINGS) $(CARGO) clippy --locked -p prefill-launcher --all-targets --features rdma-sys -- -D warnings

drift: | setup ## artifacthub-pkg.yml is what policy/metadata.yml gives
	$(CARGO) run --quiet --locked -p prefill-conformance --bin artifacthub -- --check artifacthub-pkg.yml

deny: ## bans, licenses and sources of dependencies, with the cargo-deny on PATH
	@if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; \
	else echo "deny: cargo-deny is not on PATH, so dependencies were not checked; hint: cargo install cargo-deny"; fi

check: fmt lint test drift deny ## what CI runs

e2e-tests: policy.wasm ## annotate, inspect and run with the kwctl on PATH
	policy/e2e.sh

golden: | setup ## write every want.yaml and every plan anew, for review with git diff
	BLESS=1 $(CARGO) test --locked -p prefill-conformance --test shape
	BLESS=1 $(CARGO) test --locked -p prefill-launcher --test launcher machines

kserve: | setup ## KServe's real scripts: PREFILL_KSERVE=folder/pods of rendered pods
	$(CARGO) test --locked -p prefill-conformance --test kserve -- --ignored

vllm-versions: | setup ## write anew which vLLM takes which flag, and run the launcher on each one's sources (network, Python)
	@$(CARGO) build --quiet --locked -p prefill-launcher --bins
	tests/vllm-versions/run

vllm-versions-check: | setup ## as vllm-versions, but nothing is written; fails where the table differs
	@$(CARGO) build --quiet --locked -p prefill-launcher --bins
	tests/vllm-versions/run --check

test-vllm: ## real vLLM on a CPU says whether the launcher is right about it: make test-vllm [PARTS="checks start"]
	@CARGO=$(CARGO) tests/vllm/test $(PARTS)

bench: policy.wasm target/do-nothing.wasm ## size, fuel and time ratios; fails over budget
	@$(CARGO) run --quiet --locked -p prefill-conformance --bin bench
	@$(CARGO) build --quiet --locked --release -p prefill-launcher --examples
	@$(CARGO) bench --quiet --locked -p prefill-launcher --bench plan

artifacthub-pkg.yml: policy/metadata.yml policy/questions-ui.yml
	$(CARGO) run --quiet --locked -p prefill-conformance --bin artifacthub > artifacthub-pkg.yml.new
	mv artifacthub-pkg.yml.new artifacthub-pkg.yml

clean: ## remove what was built
	rm -rf target policy.wasm annotated-policy.wasm

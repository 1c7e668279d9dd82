#!/bin/sh
# Annotates, inspects and runs policy.wasm with kwctl, as its users would. For `make e2e-tests`.
#
# kwctl is in no package registry, so that this project cannot bring it: without one on PATH, this says so
# and ends well.
set -eu

request=tests/e2e/request.json

fail() {
    echo "e2e: error: $*" >&2
    exit 1
}

# The fields that Artifact Hub reads, but for two: kwctl's date is now, and its install text is its own.
fields() {
    sed -e '/^#/d' -e '/^$/d' -e '/^createdAt:/d' -e '/^install:/,/^maintainers:/{/^maintainers:/!d;}' "$1"
}

cd "$(dirname "$0")/.."
if ! command -v kwctl >/dev/null 2>&1; then
    echo 'e2e: kwctl is not on PATH, so annotate, inspect and run were not tried'
    exit 0
fi
[ -f policy.wasm ] || fail "policy.wasm: missing; hint: run \`make policy.wasm\`"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

kwctl annotate --metadata-path policy/metadata.yml --usage-path policy/README.md \
    --output-path annotated-policy.wasm policy.wasm
kwctl inspect annotated-policy.wasm >"$scratch/inspected"
grep -q llm-d-prefill "$scratch/inspected" || fail 'kwctl inspect: does not show the title'

kwctl run --request-path "$request" annotated-policy.wasm | tr -d '\n ' >"$scratch/response"
grep -q '"allowed":true' "$scratch/response" || fail "$request: not allowed: $(cat "$scratch/response")"
sed -n 's/.*"patch":"\([^"]*\)".*/\1/p' "$scratch/response" | base64 -d >"$scratch/patch"
grep -q prefill-launcher "$scratch/patch" || fail "$request: no launcher in the patch: $(cat "$scratch/patch")"

kwctl scaffold artifacthub --metadata-path policy/metadata.yml --questions-path policy/questions-ui.yml \
    >"$scratch/package"
fields "$scratch/package" >"$scratch/kwctl"
fields artifacthub-pkg.yml >"$scratch/ours"
diff "$scratch/ours" "$scratch/kwctl" || fail 'artifacthub-pkg.yml: kwctl would write other fields'

echo 'e2e: kwctl annotated, inspected and ran the policy'

#!/usr/bin/env bash
# Prints one SHA-256 over everything that the browser client is built from.
#
# `runtime/server/assets/client/inputs.sha256` keeps the value that the committed client was built from, so that
# a change to a source without `make client` is seen without building. The toolchain is not an
# input: two compilers may give different bytes for the same client.
#
#   scripts/client-inputs.sh          the hash
#   scripts/client-inputs.sh --list   what goes into it, a line each, to find out what changed

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

list() {
    # Sources and manifests. Unit tests live in files of their own and never reach the browser.
    find client-wasm isa-interpreter protocol client-js/src -type f \
        \( -path '*/src/*' -o -name Cargo.toml -o -name build.rs \) \
        ! -name tests.rs ! -path '*/tests/*' -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum
    sha256sum client-js/package.json client-js/package-lock.json scripts/build-client.sh
    # Of the workspace's manifest, how the client is compiled; of its lock file, the crates that
    # reach the client. The rest of both concerns the server alone.
    awk '/^\[/ { inside = ($0 == "[profile.client]") } inside && NF && !/^#/' Cargo.toml
    cargo tree --quiet --package lightspeed-client --target "$client_target" --edges normal,build \
        --prefix none --format '{p} {f}' | sed 's/ ([^)]*)//g; s/ *$//' | LC_ALL=C sort -u
    printf 'wasm-bindgen %s\n' "$(wasm_bindgen_version)"
}

inputs="$(list)"
if [ "${1:-}" = --list ]; then
    say "$inputs"
else
    printf '%s\n' "$inputs" | sha256sum | cut -d ' ' -f 1
fi

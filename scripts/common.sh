# Sourced by the other scripts: paths, and how they speak.
# shellcheck shell=bash disable=SC2034 # variables are for the scripts that source this

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cargo_home="${CARGO_HOME:-$HOME/.cargo}"
# Relative target directories count from the workspace, as cargo run from there counts them.
target_dir="$(cd "$root" && realpath -m "${CARGO_TARGET_DIR:-target}")"
export PATH="$cargo_home/bin:$PATH"

# What the browser client's parts are called; Rust, JavaScript and the server agree on these.
client_target="wasm32-unknown-unknown"
client_dist="$root/runtime/server/assets/client"

say() { printf '%s\n' "$*"; }

# fail MESSAGE...: one line for each argument, what is wrong first, the mend last.
fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    if [ $# -gt 0 ]; then printf '       %s\n' "$@" >&2; fi
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# npm_ci FOLDER: unless the folder holds just what its lock file names.
npm_ci() {
    local folder="$root/$1" stamp lock
    stamp="$folder/node_modules/.installed-lock.sha256"
    lock="$(sha256sum <"$folder/package-lock.json")"
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$lock" ]; then return; fi
    say "installing the npm packages of $1"
    (cd "$folder" && npm ci --no-audit --no-fund </dev/null)
    printf '%s\n' "$lock" >"$stamp"
}

# The version that the workspace pins; the tool must be exactly this one, as the format between
# the crate and the tool changes with every release.
wasm_bindgen_version() {
    local version
    version="$(sed -n 's/^wasm-bindgen *= .*"=\([0-9.]*\)".*/\1/p' "$root/Cargo.toml")"
    [ -n "$version" ] || fail "Cargo.toml pins no wasm-bindgen" 'write wasm-bindgen = { version = "=X.Y.Z", .. } under [workspace.dependencies]'
    printf '%s' "$version"
}

# The version of gungraun that the workspace pins; its runner must be exactly this one.
gungraun_version() {
    local version
    version="$(sed -n 's/^gungraun *= "=\([0-9.]*\)"$/\1/p' "$root/Cargo.toml")"
    [ -n "$version" ] || fail "Cargo.toml pins no gungraun" 'write gungraun = "=X.Y.Z" under [workspace.dependencies]'
    printf '%s' "$version"
}

# Whether the active toolchain carries the client's target.
has_client_target() {
    local directory
    directory="$(rustc --print target-libdir --target "$client_target" 2>/dev/null)" && [ -d "$directory" ]
}

# Whether Debian's own toolchain can build the client's target, standard library included.
has_debian_client_toolchain() {
    [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] && [ -n "$(debian_wasm_linker)" ] && [ -d "$(debian_rust_source)" ]
}

debian_wasm_linker() { find /usr/bin -name 'wasm-ld-*' 2>/dev/null | sort -V | tail -n 1; }
debian_rust_source() { printf '%s/lib/rustlib/src/rust/library' "$(/usr/bin/rustc --print sysroot 2>/dev/null)"; }

# The first browser that the browser tests can drive.
find_chromium() {
    local name
    if [ -n "${CHROMIUM:-}" ]; then
        command -v "$CHROMIUM"
        return
    fi
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if has "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

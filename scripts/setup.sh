#!/usr/bin/env bash
# Installs what `make ci` needs and the machine lacks; does nothing where all is there.
#
# Needed beforehand: a Rust toolchain (rustup's, with rustfmt and clippy), a C compiler, Node.js 20
# with npm. `make demo` needs none of what is installed here.
# Packages of the system are installed by apt-get as root, and by sudo on a hosted CI; anywhere
# else the script says which ones are missing.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cargo_nextest_version="0.9.143"
cargo_deny_version="0.20.2"
cargo_fuzz_version="0.13.2"
# The library's version in Cargo.lock: the runner reads what that one writes.
gungraun_runner_version="$(gungraun_version)"

apt_is_fresh=no

# apt_install WHY PACKAGE...
apt_install() {
    local why="$1" as_root=()
    shift
    if [ "$(id -u)" -ne 0 ]; then
        if [ "${CI:-}" = true ] && has sudo && sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            fail "$why: missing on this machine" "install it, on Debian or Ubuntu by: sudo apt-get install $*"
        fi
    fi
    has apt-get || fail "$why: missing on this machine, which has no apt-get" "install the equivalent of: $*"
    if [ "$apt_is_fresh" = no ]; then
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null
        apt_is_fresh=yes
    fi
    say "installing $*"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" </dev/null
}

# cargo_install PACKAGE OPTION...: into cargo's own bin directory, built outside this workspace's target directory.
cargo_install() {
    say "installing $1"
    env -u CARGO_TARGET_DIR -u RUSTFLAGS cargo install --quiet "$@" </dev/null
}

setup_toolchain() {
    has cargo || fail "cargo: missing on this machine" "install a Rust toolchain: https://rustup.rs"
    has cc || apt_install "a C compiler" gcc libc6-dev
    if has rustup; then
        cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
        cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
    fi
}

setup_client_target() {
    if has_client_target; then return; fi
    if has rustup && rustup target add "$client_target" </dev/null && has_client_target; then return; fi
    say "rustup does not bring $client_target; looking for Debian's toolchain"
    if has_debian_client_toolchain; then return; fi
    if has apt-cache && apt-cache show rustc-web >/dev/null 2>&1; then
        apt_install "a Rust toolchain with $client_target" rustc-web cargo-web rust-web-src lld-22
    fi
    has_debian_client_toolchain || fail "no Rust toolchain for $client_target" \
        "by rustup: rustup target add $client_target" \
        "on Debian: apt-get install rustc-web cargo-web rust-web-src lld-22"
}

setup_cargo_tools() {
    local wasm_bindgen
    # Without the part that updates itself, which brings a TLS library to compile.
    has cargo-nextest || cargo_install cargo-nextest --version "$cargo_nextest_version" --locked \
        --no-default-features --features default-no-update
    wasm_bindgen="$(wasm_bindgen_version)"
    # Without --locked: the lock file that the tool ships names a version withdrawn from crates.io.
    # Without its default features and its test runner: what is left has no TLS to compile.
    if ! has wasm-bindgen || [ "$(wasm-bindgen --version)" != "wasm-bindgen $wasm_bindgen" ]; then
        cargo_install wasm-bindgen-cli --version "=$wasm_bindgen" --force \
            --no-default-features --bin wasm-bindgen
    fi
    # Without its default features: fetching advisories over HTTPS and building git are the slow half.
    has cargo-deny || cargo_install cargo-deny --version "$cargo_deny_version" --locked --no-default-features
}

setup_fuzzing() {
    # Sanitizers need a nightly toolchain; another one than the newest is named by LIGHTSPEED_FUZZ_TOOLCHAIN.
    local toolchain="${LIGHTSPEED_FUZZ_TOOLCHAIN:-nightly}"
    if ! cargo "+$toolchain" --version >/dev/null 2>&1; then
        has rustup || fail "rustup: missing on this machine, and fuzzing needs a nightly toolchain" \
            "install it: https://rustup.rs"
        say "installing the toolchain $toolchain, for fuzzing"
        rustup toolchain install "$toolchain" --profile minimal </dev/null
    fi
    has c++ || has g++ || has clang++ || apt_install "a C++ compiler" g++
    has cargo-fuzz || cargo_install cargo-fuzz --version "$cargo_fuzz_version" --locked
}

setup_browser() {
    if ! find_chromium >/dev/null; then apt_install "Chromium" chromium; fi
    # A browser without fonts draws boxes: screenshots would show nothing that a person can judge.
    if ! has fc-list || [ -z "$(fc-list :lang=en 2>/dev/null | head -n 1)" ]; then
        apt_install "fonts" fontconfig fonts-dejavu-core fonts-liberation
    fi
}

setup_proxy() {
    # A server's program is often outside of the path of a person.
    if has haproxy || [ -x /usr/sbin/haproxy ]; then return; fi
    apt_install "HAProxy" haproxy
}

setup_counting() {
    has valgrind || apt_install "valgrind" valgrind libc6-dbg
    if ! has gungraun-runner || [ "$(gungraun-runner --version)" != "gungraun-runner $gungraun_runner_version" ]; then
        cargo_install gungraun-runner --version "=$gungraun_runner_version" --locked --force
    fi
}

setup_node() {
    if ! has node || ! has npm; then fail "Node.js with npm: missing on this machine" "install Node.js 20 or newer"; fi
    npm_ci client-js
    npm_ci e2e
}

setup_toolchain
setup_client_target
has brotli || apt_install "brotli" brotli
setup_browser
setup_proxy
setup_node
setup_cargo_tools
setup_fuzzing
setup_counting
say "setup: all there"

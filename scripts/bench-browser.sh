#!/usr/bin/env bash
# Runs Lightspeed's client beside others in one browser: bench/README.md says how to read what it prints.
#
# ROUNDS and PASSES say how often (5 and 3), ONLY which contenders, by parts of their names (vanilla
# always takes part). LIGHTSPEED_GALLERY names a gallery that is built already.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

CHROMIUM="$(find_chromium)" || fail "no Chromium on this machine" "make setup, or name one: CHROMIUM=/path/to/chromium make bench-browser"
if ! has node || ! has npm; then fail "Node.js with npm: missing on this machine" "install Node.js 20 or newer"; fi
npm_ci bench/browser >&2

if [ -z "${LIGHTSPEED_GALLERY:-}" ]; then
    say "building the gallery" >&2
    cargo build --release --quiet --package lightspeed-examples --bin gallery
    LIGHTSPEED_GALLERY="$target_dir/release/gallery"
fi
say "building the peer in Dioxus (the first time takes some minutes)" >&2
cargo build --release --quiet --locked --manifest-path bench/peers/dioxus/Cargo.toml --target-dir "$target_dir/peers"

export CHROMIUM LIGHTSPEED_GALLERY LIGHTSPEED_PEER="$target_dir/peers/release/dioxus-peer"
export RESULTS="${RESULTS:-$root/bench/results/browser.json}"
node bench/browser/src/main.js </dev/null

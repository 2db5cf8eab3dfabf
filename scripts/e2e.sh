#!/usr/bin/env bash
# Builds the gallery and drives it in a real browser.
#
# The tests find both by the environment: LIGHTSPEED_GALLERY, the binary that they start on free
# ports, and LIGHTSPEED_CHROMIUM, the browser.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

[ -d e2e/node_modules ] || (cd e2e && npm ci --no-audit --no-fund </dev/null)
LIGHTSPEED_CHROMIUM="$(find_chromium)" || fail "no Chromium on this machine" "make setup, or name one: CHROMIUM=/path/to/chromium make e2e"
export LIGHTSPEED_CHROMIUM

cargo build --package lightspeed-examples --bin gallery
export LIGHTSPEED_GALLERY="$target_dir/debug/gallery"

cd e2e
npm test --silent -- "$@" </dev/null

#!/usr/bin/env bash
# Tests the client's JavaScript in a real browser, then builds the gallery and drives that.
#
# The tests find them by the environment: LIGHTSPEED_GALLERY and LIGHTSPEED_CLI, the binaries that they
# start on free ports, and LIGHTSPEED_CHROMIUM, the browser.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

[ -d client-js/node_modules ] || (cd client-js && npm ci --no-audit --no-fund </dev/null)
[ -d e2e/node_modules ] || (cd e2e && npm ci --no-audit --no-fund </dev/null)
LIGHTSPEED_CHROMIUM="$(find_chromium)" || fail "no Chromium on this machine" "make setup, or name one: CHROMIUM=/path/to/chromium make e2e"
export LIGHTSPEED_CHROMIUM

cargo build --package lightspeed-examples --bins --package lightspeed-cli --bin lightspeed
export LIGHTSPEED_GALLERY="$target_dir/debug/gallery" LIGHTSPEED_CLI="$target_dir/debug/lightspeed"

# The client's JavaScript on its own, then the whole.
(cd client-js && npm test --silent </dev/null)
cd e2e
npm test --silent -- "$@" </dev/null

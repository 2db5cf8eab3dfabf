#!/usr/bin/env bash
# Serves random components, has a real browser adopt, use and patch them, and fails when one of them isn't what the
# server says. Makes small what it finds, and says how to run it again. browser-fuzz/README.md has more.
#
#     scripts/browser-fuzz.sh [--cases 300] [--seed 1] [--case NAME] [--client FOLDER]

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

npm_ci e2e
LIGHTSPEED_CHROMIUM="$(find_chromium)" || fail "no Chromium on this machine" "make setup, or name one: CHROMIUM=/path/to/chromium make browser-fuzz"
export LIGHTSPEED_CHROMIUM

cargo build --quiet --package lightspeed-browser-fuzz
node browser-fuzz/run.js --server "$target_dir/debug/browser-fuzz" --client "$client_dist" "$@" </dev/null

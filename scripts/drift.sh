#!/usr/bin/env bash
# Fails when `make generate` changes any file: a generated file that its source has left behind.
#
# The whole tree is compared with itself before and after, so a newly generated file needs no entry in
# a list, and uncommitted work is not mistaken for drift.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

digest() {
    # What measurements and browser tests leave may be written at the same time.
    find . \( -name .git -o -name node_modules -o -path ./target -o -path ./bench/results -o -path ./e2e/screenshots \) -prune -o \
        -type f -print0 |
        xargs -0 sha256sum | LC_ALL=C sort
}

cargo build --quiet --package lightspeed-bench --bin generate
before="$(mktemp)"
after="$(mktemp)"
trap 'rm -f "$before" "$after"' EXIT
digest >"$before"
"${MAKE:-make}" --no-print-directory generate
digest >"$after"

mapfile -t changed < <(LC_ALL=C comm -3 "$before" "$after" | awk '{ print $2 }' | sort -u)
if [ ${#changed[@]} -gt 0 ]; then
    git --no-pager diff --no-color -- "${changed[@]}" 2>/dev/null || true
    fail "generated files differ from what their sources give" "${changed[@]}" "they are fresh now: look at them and commit them"
fi
say "generated files are as their sources give them"

#!/usr/bin/env bash
# Breaks the client's JavaScript on purpose, a place at a time, and fails when the browser fuzzer does not notice.
#
# Each browser-fuzz/breakages/*.patch says what it breaks, what kinds of failure find it, and within how many cases. They
# are applied to a copy; nothing in this tree is changed. With arguments, only those.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

npm_ci e2e
npm_ci client-js
LIGHTSPEED_CHROMIUM="$(find_chromium)" || fail "no Chromium on this machine" "make setup, or name one: CHROMIUM=/path/to/chromium make browser-fuzz-breakages"
export LIGHTSPEED_CHROMIUM
cargo build --quiet --package lightspeed-browser-fuzz

copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT

# bundle SOURCE OUT: the client of these sources with the names that they have, and the module as it is committed. Constants stand where they are used,
# as in the client that ships: otherwise two files would share one more.
bundle() {
    mkdir -p "$2"
    client-js/node_modules/.bin/esbuild client="$1/core/index.js" viewport="$1/features/viewport.js" --bundle --splitting --minify-syntax \
        --chunk-names='[name]' --format=esm --target=es2022 --log-level=warning "--outdir=$2"
    cp "$client_dist/client.wasm" "$2/"
}

# run CLIENT CASES: from the first seed on, until something is found.
run() {
    node browser-fuzz/run.js --server "$target_dir/debug/browser-fuzz" --client "$1" --cases "$2" --found 1 --unshrunk </dev/null
}

patches=("$@")
[ ${#patches[@]} -gt 0 ] || patches=(browser-fuzz/breakages/*.patch)
missed=0
printf '%-24s %-20s %6s  %s\n' breakage kinds within found
for patch in "${patches[@]}"; do
    rm -rf "${copy:?}/tree"
    mkdir -p "$copy/tree"
    # The manifest says which modules do nothing when they are loaded: without it they would share a file more.
    cp -r --parents client-js/src client-js/package.json "$copy/tree"
    name="$(basename "$patch" .patch)"
    cases="$(sed -n 's/^cases: //p' "$patch")"
    kinds="$(sed -n 's/^kinds: //p' "$patch")"
    (cd "$copy/tree" && patch -s -p1 -F0 --no-backup-if-mismatch <"$root/$patch") \
        || fail "$patch no longer applies" "make it anew from what it says, or delete it with what it breaks"
    bundle "$copy/tree/client-js/src" "$copy/dist"
    if run "$copy/dist" "$cases" >"$copy/out" 2>&1; then
        found="NOT FOUND"
        missed=$((missed + 1))
    else
        found="$(sed -n 's/^case \([0-9]*\): \([a-z ]*\): \(.*\)/seed \1: \2: \3/p' "$copy/out" | head -n 1 | cut -c1-90)"
        case " $kinds, " in
            *" $(sed -n 's/^seed [0-9]*: \([a-z ]*\): .*/\1/p' <<<"$found"), "*) ;;
            *) found="OTHERWISE, by ${found:-$(tail -n 1 "$copy/out")}"; missed=$((missed + 1)) ;;
        esac
    fi
    printf '%-24s %-20s %6s  %s\n' "$name" "$kinds" "$cases" "$found"
done
[ "$missed" -eq 0 ] || fail "$missed of ${#patches[@]} breakages were not found as they say" "see the table"
say "all ${#patches[@]} breakages were found"

#!/usr/bin/env bash
# Every measurement, one after the other, and what they come to: bench/README.md says how to read it.
#
# ONLY names measurements by parts of their names ("server|memory"); what others left before counts as it is.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

bench() { cargo run --release --quiet --package lightspeed-bench --bin "$@"; }
gate() { cargo run --release --quiet --package lightspeed-gate --bin gate -- --all; }
load() { bench load -- --sessions 100,1000,5000 --rounds 1 --shares 0.1,0.3,0.5,0.7,0.9; }

parts=(gate "bench server" "bench growth" "bench memory" "bench memory --features jemalloc -- --only TCP|Dioxus" load scripts/bench-browser.sh)
say "building"
cargo build --release --quiet --package lightspeed-bench --package lightspeed-gate
number=0
for part in "${parts[@]}"; do
    number=$((number + 1))
    if [[ ! "$part" =~ ${ONLY:-.} ]]; then continue; fi
    say "$number of ${#parts[@]}: $part"
    began=$SECONDS
    # One that misses a promise goes on to the next: the table at the end says so.
    $part || say "$part: above a limit, or failed"
    say "$part: $((SECONDS - began)) s"
done
bench report

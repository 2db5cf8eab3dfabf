#!/usr/bin/env bash
# Everything that must hold before a change is merged, stage by stage, each with its seconds.
#
# Needs no terminal, no stdin and no state but a clone. Stages are the Makefile's verbs, so that
# what fails here fails the same way when it is run alone.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
exec </dev/null

export CI=true
# One build of everything: incremental state would only cost disk and time.
export CARGO_INCREMENTAL=0
export CARGO_TARGET_DIR="$target_dir"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
# The number of cases for every property test that does not name its own.
export PROPTEST_CASES="${PROPTEST_CASES:-10000}"

stages=(setup check test drift client-check bench-wire bench-gate simulate-fresh breakages fuzz e2e browser-fuzz docs deny)
times=()
current=""
began=0

report() {
    local status=$?
    printf '\n== seconds\n'
    for line in "${times[@]}"; do printf '%s\n' "$line"; done
    if [ "$status" -eq 0 ]; then
        printf '%-14s %6d\n\nci: passed\n' together "$SECONDS"
    else
        printf '%-14s %6d  failed\n' "$current" $((SECONDS - began))
        printf '\nci: failed in make %s\n' "$current"
    fi
}
trap report EXIT

for current in "${stages[@]}"; do
    printf '\n== %s\n' "$current"
    began=$SECONDS
    "${MAKE:-make}" --no-print-directory "$current"
    times+=("$(printf '%-14s %6d' "$current" $((SECONDS - began)))")
done

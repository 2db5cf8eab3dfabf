# Sourced by scripts/ci.sh and scripts/nightly.sh: runs the Makefile's verbs as stages and prints the seconds of each.
# shellcheck shell=bash
#
# Needs no terminal, no stdin and no state but a clone. A stage is a verb of the Makefile, so that a stage that fails
# here fails the same way when it is run alone.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
exec </dev/null

export CI=true
# The tree is built once: incremental state would only cost disk and time.
export CARGO_INCREMENTAL=0
export CARGO_TARGET_DIR="$target_dir"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
# The number of cases for every property test that does not name its own.
export PROPTEST_CASES="${PROPTEST_CASES:-10000}"

# Where each lane writes its stages' seconds and its output.
notes="$(mktemp -d)"
failed=""

report() {
    local status=$?
    printf '\n== seconds\n'
    cat "$notes"/seconds.* 2>/dev/null || true
    printf '%-22s %6d\n' together "$SECONDS"
    rm -rf "$notes"
    if [ "$status" -eq 0 ]; then
        printf '\n%s: passed\n' "$name"
    else
        printf '\n%s: failed in make %s\n' "$name" "${failed:-(interrupted)}"
    fi
}

# run_stage STAGE LANE: the stage's seconds go to the lane's notes.
run_stage() {
    local began=$SECONDS status=0
    printf '\n== %s\n' "$1"
    "${MAKE:-make}" --no-print-directory "$1" || status=$?
    printf '%-22s %6d%s\n' "$1" $((SECONDS - began)) "$([ "$status" -eq 0 ] || printf '  failed')" >>"$notes/seconds.$2"
    [ "$status" -eq 0 ] || printf '%s' "$1" >"$notes/failed.$2"
    return "$status"
}

# run_lane LANE STAGE...: one stage after the other, to the first that fails.
run_lane() {
    local lane="$1" stage
    shift
    for stage in "$@"; do run_stage "$stage" "$lane" || return 1; done
}

# run_steps NAME STEP...: the steps one after the other. A step is a list of stages; `|` separates lanes, which run side by
# side. Lanes build in different profiles and write different files, so that none waits for another or sees half of its work.
# The output of a lane that isn't the first is printed when the lane has ended.
run_steps() {
    local step lane status number=0 lanes jobs
    name="$1"
    shift
    trap report EXIT
    for step in "$@"; do
        mapfile -t lanes < <(tr '|' '\n' <<<"$step")
        jobs=()
        for lane in "${lanes[@]:1}"; do
            number=$((number + 1))
            # shellcheck disable=SC2086 # a lane is a list of words
            run_lane "$number" $lane >"$notes/output.$number" 2>&1 &
            jobs+=("$!:$number")
        done
        status=0
        number=$((number + 1))
        # shellcheck disable=SC2086
        run_lane "$number" ${lanes[0]} || status=1
        for lane in "${jobs[@]}"; do
            wait "${lane%%:*}" || status=1
            cat "$notes/output.${lane##*:}"
        done
        if [ "$status" -ne 0 ]; then
            failed="$(cat "$notes"/failed.* | tr '\n' ' ')"
            exit 1
        fi
    done
}

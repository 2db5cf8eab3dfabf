#!/usr/bin/env bash
# Runs each fuzz target for some seconds and prints what came of it; fails when one crashes.
#
#     scripts/fuzz.sh [SECONDS] [TARGET...]      20 seconds, every target of fuzz/Cargo.toml
#
# Needed: a nightly toolchain of rustup's, as it is installed (its AddressSanitizer comes with it, and
# the standard library isn't built anew, so rust-src isn't needed), cargo-fuzz (`make setup`), and a
# C++ compiler for libFuzzer. AddressSanitizer maps terabytes of address space: `ulimit -v` must be
# unlimited. What it costs in memory is bounded: a run that takes more is a crash.
#
# What a run finds stays in fuzz/corpus/ and fuzz/artifacts/, which git ignores. LIGHTSPEED_FUZZ_TOOLCHAIN
# names another toolchain than `nightly`.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root/fuzz"

seconds="${1:-20}"
[[ "$seconds" =~ ^[1-9][0-9]*$ ]] || fail "not a number of seconds: $seconds" "say make fuzz SECONDS=20"
shift || true
toolchain="${LIGHTSPEED_FUZZ_TOOLCHAIN:-nightly}"

# The whole process, and a single allocation: no input of a few kilobytes is worth more.
rss_mb_max=1024
malloc_mb_max=256
# One input, in seconds.
timeout_seconds=10

check_tools() {
    has rustup && cargo "+$toolchain" --version >/dev/null 2>&1 || fail "no $toolchain toolchain of rustup's" \
        "install one: rustup toolchain install nightly --profile minimal" \
        "or name the one that is there: LIGHTSPEED_FUZZ_TOOLCHAIN=nightly-2026-05-19 make fuzz"
    has cargo-fuzz || fail "cargo-fuzz: missing on this machine" "install it: make setup"
    has c++ || has g++ || has clang++ || fail "no C++ compiler, which libFuzzer is built with" \
        "install one, on Debian or Ubuntu by: sudo apt-get install g++"
    [ "$(ulimit -v)" = unlimited ] || fail "the address space is limited, which AddressSanitizer cannot do with" \
        "take the limit away: ulimit -v unlimited"
}

# The last value of a statistic that libFuzzer has printed.
stat() { sed -n "s/^stat::$1: *//p" "$2" | tail -n 1; }

# reproduce TARGET LOG: what a person does next.
reproduce() {
    local artifact
    artifact="$(sed -n 's/.*Test unit written to //p' "$2" | tail -n 1)"
    sed -n '/panicked at/,+4p; /^==[0-9]*== \?ERROR/p' "$2" | head -n 12 >&2
    fail "$1 has found an input that breaks it" \
        "the whole log: $2" \
        "reproduce it: cd fuzz && cargo +$toolchain fuzz run $1 ${artifact#"$root/fuzz/"}" \
        "make it small: cd fuzz && cargo +$toolchain fuzz tmin $1 ${artifact#"$root/fuzz/"}"
}

run() {
    local target="$1" log="$target_dir/fuzz/$1.log" coverage
    mkdir -p "corpus/$target"
    if ! cargo "+$toolchain" fuzz run --target-dir "$target_dir/fuzz" "$target" "corpus/$target" "$seeds/$target" -- \
        -max_total_time="$seconds" -rss_limit_mb="$rss_mb_max" -malloc_limit_mb="$malloc_mb_max" \
        -timeout="$timeout_seconds" -print_final_stats=1 >"$log" 2>&1; then
        reproduce "$target" "$log"
    fi
    coverage="$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)"
    printf '%-10s %12s %8s %9s %11s\n' "$target" "$(stat number_of_executed_units "$log")" \
        "$(stat average_exec_per_sec "$log")" "${coverage:-?}" "$(stat peak_rss_mb "$log")"
}

check_tools
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    mapfile -t targets < <(cargo "+$toolchain" fuzz list)
fi

# By the toolchain and the flags of the whole project: seeds are data, and need no sanitizer.
seeds="$target_dir/fuzz/seeds"
cargo run --quiet --target-dir "$target_dir/fuzz" --example seeds -- "$seeds"
mkdir -p "${targets[@]/#/$seeds/}"
say "building ${targets[*]}"
for target in "${targets[@]}"; do
    cargo "+$toolchain" fuzz build --target-dir "$target_dir/fuzz" "$target" 2>"$target_dir/fuzz/build.log" ||
        fail "$target doesn't build" "$(tail -n 40 "$target_dir/fuzz/build.log")"
done
printf '%-10s %12s %8s %9s %11s\n' target runs runs/s coverage "peak rss MB"
for target in "${targets[@]}"; do run "$target"; done

#!/usr/bin/env bash
# What a first build of the smallest live page costs, beside the same page without life on axum and maud; fails above 1.5 times.
#
# CPU seconds are those of cargo and all its children, user and kernel; the two are built in turns, ROUNDS=1 times each, and the least counts.
# Crates are fetched before. LLVM lines are those of ten parts of a page, in a debug build without debug information, divided by ten.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

rounds="${ROUNDS:-1}"
# In hundredths, for a shell without fractions.
ratio_max=150
names=(lightspeed maud)
work="$(mktemp -d)"
server=""
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR RUSTFLAGS
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=1

folder() { printf '%s/bench/build/%s' "$work/tree" "$1"; }
# cargo_in NAME COMMAND...: in a copy, so that nothing is written to this tree.
cargo_in() { (cd "$(folder "$1")" && CARGO_TARGET_DIR="$work/target-$1" cargo "$2" --offline --quiet "${@:3}"); }

mkdir -p "$work/tree"
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$work/tree"
for name in "${names[@]}"; do
    # The versions that the workspace has; what it doesn't need is left out.
    cp Cargo.lock "$(folder "$name")/Cargo.lock"
    (cd "$(folder "$name")" && cargo fetch --quiet)
done

# cpu COMMAND...: its CPU in hundredths of a second.
cpu() {
    local TIMEFORMAT='%U %S' spent
    { spent="$( { time "$@" >&3 2>&4; } 2>&1 )"; } 3>&1 4>&2
    awk '{ printf "%d", ($1 + $2) * 100 }' <<<"$spent"
}

declare -A least
for ((round = 1; round <= rounds; round++)); do
    for name in "${names[@]}"; do
        say "round $round of $rounds: building $name"
        rm -rf "$work/target-$name"
        spent="$(cpu cargo_in "$name" build)"
        if [ -z "${least[$name]:-}" ] || [ "$spent" -lt "${least[$name]}" ]; then least[$name]="$spent"; fi
    done
done

declare -A crates rebuilt lines sizes
now_ms() { date +%s%3N; }
for name in "${names[@]}"; do
    crates[$name]="$(cd "$(folder "$name")" && cargo tree --offline --edges normal,build --prefix none --no-dedupe | awk 'NF { print $1 }' | sort -u | wc -l)"
    # From a changed line to a server that answers.
    sed -i 's/"Hello"/"Hello again"/' "$(folder "$name")/src/main.rs"
    port="$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')"
    began="$(now_ms)"
    cargo_in "$name" build
    "$work/target-$name/debug/hello-$name" "127.0.0.1:$port" >/dev/null 2>&1 &
    server=$!
    until curl -sf "http://127.0.0.1:$port/" 2>/dev/null | grep -q "Hello again"; do
        if [ $(($(now_ms) - began)) -gt 120000 ]; then fail "$name: no answer within two minutes"; fi
        sleep 0.02
    done
    rebuilt[$name]=$(($(now_ms) - began))
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=""
    for more in "" "--features=ten-more"; do
        rm -f "$work/target-$name"/debug/deps/hello_*.ll
        # shellcheck disable=SC2086 # none, or one
        CARGO_INCREMENTAL=0 cargo_in "$name" rustc $more -- --emit=llvm-ir -C codegen-units=1 -C debuginfo=0
        lines[$name$more]="$(cat "$work/target-$name"/debug/deps/hello_*.ll | grep -c '^  ')"
    done
    CARGO_PROFILE_RELEASE_STRIP=true cargo_in "$name" build --release
    sizes[$name]="$(stat -c %s "$work/target-$name/release/hello-$name")"
done

ratio=$((least[lightspeed] * 100 / least[maud]))
seconds() { printf '%d.%02d' $(($1 / 100)) $(($1 % 100)); }
printf '\n| | Lightspeed | axum and maud | ratio | at most |\n|---|---|---|---|---|\n'
printf '| first build, CPU s | %s | %s | %s | %s |\n' "$(seconds "${least[lightspeed]}")" "$(seconds "${least[maud]}")" "$(seconds $ratio)" "$(seconds $ratio_max)"
printf '| crates | %s | %s | | |\n' "${crates[lightspeed]}" "${crates[maud]}"
printf '| from a changed line to an answer, ms | %s | %s | | |\n' "${rebuilt[lightspeed]}" "${rebuilt[maud]}"
printf '| LLVM lines for each of ten parts | %s | %s | | |\n' \
    $(((lines[lightspeed--features=ten-more] - lines[lightspeed]) / 10)) $(((lines[maud--features=ten-more] - lines[maud]) / 10))
printf '| release build, stripped, kB | %s | %s | | |\n\n' $((sizes[lightspeed] / 1000)) $((sizes[maud] / 1000))
say "$(nproc) cores, $(uname -sr), $(rustc --version), $(date +%Y-%m-%d)"
[ "$ratio" -le "$ratio_max" ] || fail "the first build costs $(seconds $ratio) times that of axum and maud, and $(seconds $ratio_max) is the limit" \
    "cargo build --timings in bench/build/lightspeed shows which crates take how long"

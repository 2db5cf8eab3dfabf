#!/usr/bin/env bash
# Breaks the shipping code on purpose, a place at a time, and fails when the simulation does not notice.
#
# Each runtime/simulation/breakages/*.patch says what it breaks, which clause of the contract finds it, and
# within how many seeds. They are applied to a copy; nothing in this tree is changed. With arguments, only those.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
# Several times faster to build than a release, and fast enough for a few hundred seeds.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_LTO=off
profile_dir="$target_dir/breakages"
export CARGO_TARGET_DIR="$profile_dir"

patches=("$@")
[ ${#patches[@]} -gt 0 ] || patches=(runtime/simulation/breakages/*.patch)
missed=0
printf '%-32s %-12s %6s  %s\n' breakage clause within found
for patch in "${patches[@]}"; do
    rm -rf "${copy:?}/tree"
    mkdir "$copy/tree"
    # New to cargo, which goes by the time of a file: what the last patch changed is built again.
    git ls-files -z | tar --null -T - -cf - | tar -xmf - -C "$copy/tree"
    name="$(basename "$patch" .patch)"
    seeds="$(sed -n 's/^seeds: //p' "$patch")"
    clause="$(sed -n 's/^clause: //p' "$patch")"
    (cd "$copy/tree" && patch -s -p1 -F0 --no-backup-if-mismatch <"$root/$patch") \
        || fail "$patch no longer applies" "make it anew from what it says, or delete it with what it breaks"
    (cd "$copy/tree" && cargo build --release --quiet --package lightspeed-simulation) 2>"$copy/build" \
        || { cat "$copy/build"; fail "$patch no longer compiles" "make it anew from what it says"; }
    if "$profile_dir/release/simulate" --seeds "$seeds" --unshrunk >"$copy/out" 2>&1; then
        found="NOT FOUND"
        missed=$((missed + 1))
    else
        found="$(sed -n 's/^seed \([0-9]*\) fails after step [0-9]*: \(C[0-9]*\): \(.*\)/seed \1: \2: \3/p' "$copy/out" | head -n 1 | cut -c1-90)"
        case " $clause " in
            *" $(sed -n 's/.*: \(C[0-9]*\): .*/\1/p' <<<"$found") "*) ;;
            *) found="OTHERWISE, by ${found:-$(tail -n 1 "$copy/out")}"; missed=$((missed + 1)) ;;
        esac
    fi
    printf '%-32s %-12s %6s  %s\n' "$name" "$clause" "$seeds" "$found"
done
[ "$missed" -eq 0 ] || fail "$missed of ${#patches[@]} breakages were not found as they say" "see the table"
say "all ${#patches[@]} breakages were found"

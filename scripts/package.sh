#!/usr/bin/env bash
# Packages every crate that is published, as `cargo publish` would, and builds the counter of the server crate's documentation from the
# packages alone: a project outside of this tree, which is asked for its page, the client's script and its WASM.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

# In the order in which they would be published.
crates=(lightspeed-protocol lightspeed-interpreter lightspeed-macros lightspeed-core lightspeed)
work="$(mktemp -d)"
server=""
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
# Packages and project are built once, in one folder.
export CARGO_TARGET_DIR="$work/target" CARGO_INCREMENTAL=0
unset RUSTFLAGS

published="$(cargo metadata --no-deps --format-version 1 |
    node -e 'const { packages } = JSON.parse(require("fs").readFileSync(0)); console.log(packages.filter((it) => it.publish === null).map((it) => it.name).sort().join(" "))')"
[ "$published" = "$(printf '%s\n' "${crates[@]}" | LC_ALL=C sort | paste -sd ' ')" ] ||
    fail "published crates are: $published" "name them in scripts/package.sh, or set publish = false"

say "packaging, and building each package by itself"
# What is changed and not committed is packaged, too: the client may have been rebuilt.
cargo package --quiet --allow-dirty "${crates[@]/#/--package=}"

mkdir -p "$work/packages" "$work/counter/src"
{
    printf '[package]\nname = "counter"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n[dependencies]\n'
    # What the project asks for; where this tree's packages come in place of the registry's.
    printf 'axum = "0.8"\nlightspeed = "*"\ntokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }\n\n[features]\nrecording = ["lightspeed/recording"]\n\n[patch.crates-io]\n'
} >"$work/counter/Cargo.toml"
printf '%-24s %6s %9s\n' package files bytes
for crate in "${crates[@]}"; do
    file="$(echo "$CARGO_TARGET_DIR/package/$crate"-[0-9]*.crate)"
    tar -xzf "$file" -C "$work/packages"
    folder="$work/packages/$(basename "$file" .crate)"
    printf '%-24s %6d %9d\n' "$crate" "$(tar -tzf "$file" | wc -l)" "$(stat -c %s "$file")"
    printf '%s = { path = "%s" }\n' "$crate" "$folder" >>"$work/counter/Cargo.toml"
done

port="$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')"
# The first example in the package's documentation.
sed -nE 's#^//! ?##p' "$work"/packages/lightspeed-[0-9]*/src/lib.rs |
    awk '/^```no_run/ && !seen { inside = seen = 1; next } /^```/ { inside = 0 } inside' >"$work/counter/src/main.rs"
grep -q '127.0.0.1:3000' "$work/counter/src/main.rs" || fail "the first example of runtime/server/src/lib.rs serves no 127.0.0.1:3000" "change scripts/package.sh"
sed -i "s/127\.0\.0\.1:3000/127.0.0.1:$port/" "$work/counter/src/main.rs"
# The versions that this tree is tested with.
cp Cargo.lock "$work/counter/Cargo.lock"
say "building the counter from the packages"
(cd "$work/counter" && cargo build --quiet --features recording && cargo build --quiet)
if grep -q '^lightspeed-interpreter' <(cd "$work/counter" && cargo tree --prefix none); then
    fail "a server that records nothing builds the client's half" "make what needs lightspeed-interpreter part of the feature recording"
fi
! grep -qF "$root" <(cd "$work/counter" && cargo metadata --format-version 1) || fail "the project reaches into $root" "give packages what they need"

"$CARGO_TARGET_DIR/debug/counter" >"$work/log" 2>&1 &
server=$!
at="http://127.0.0.1:$port"
for ((tries = 0; tries < 100; tries++)); do
    if curl -sf -o /dev/null "$at/"; then break; fi
    kill -0 "$server" 2>/dev/null || fail "the server ended" "$(cat "$work/log")"
    sleep 0.1
done

# check PATH TYPE: the answer is a 200 of that type, and goes to $work/body.
check() {
    local answer
    answer="$(curl -s -o "$work/body" -w '%{http_code} %{content_type} %{size_download}' "$at$1")"
    say "$answer  $1"
    case "$answer" in "200 $2"*) ;; *) fail "GET $1 gives $answer" "expected: 200 $2" ;; esac
    [ -s "$work/body" ] || fail "GET $1 gives nothing"
}
check / "text/html"
grep -q '<lightspeed-view.*<output>0</output>' <(tr '\n' ' ' <"$work/body") || fail "the page has no counter" "$(cat "$work/body")"
mapfile -t urls < <(grep -oE '(href|src)="/lightspeed/[^"]*"' "$work/body" | cut -d '"' -f 2 | sort -u)
seen=""
for url in "${urls[@]}"; do
    case "$url" in
    *.js) check "$url" "text/javascript" ;;
    *.wasm) check "$url" "application/wasm" && [ "$(head -c 4 "$work/body" | od -An -c | tr -d ' ')" = '\0asm' ] || fail "$url is no WASM" ;;
    *.css) check "$url" "text/css" ;;
    esac
    seen="$seen ${url##*.}"
done
for kind in css js wasm; do
    case "$seen " in *" $kind "*) ;; *) fail "the page names no file of the client that ends in .$kind" "$(printf '%s\n' "${urls[@]}")" ;; esac
done
say "the packages serve the counter"

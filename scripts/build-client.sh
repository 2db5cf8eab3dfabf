#!/usr/bin/env bash
# Builds the browser client from source into runtime/server/assets/client/:
#
#   client.wasm, client.js         what a browser loads; client.js finds client.wasm beside itself
#   inflate.js                     what client.js loads when the first compressed message comes
#   *.br                           the same, compressed once, here
#   inputs.sha256                  what they were built from (scripts/client-inputs.sh)
#
# cargo (profile `client`) -> wasm-bindgen -> wasm-opt; esbuild -> terser; brotli. The crate imports its
# DOM operations from the module `lightspeed-dom`; the JavaScript imports the crate as `lightspeed-wasm`, which is
# client-js/src/glue.js here and a stub in tests. Of wasm-bindgen's own glue nothing is used.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The client that every page loads, as it travels: the brotli sizes of client.wasm and client.js together. inflate.js is
# not in it, as a page that gets no compressed message (`specs/protocol.md`, 8.4) doesn't load it.
budget_bytes=20500

source_dir="$root/client-js/src"
work="$target_dir/client-bundle"
bindgen="$work/bindgen"
tools="$root/client-js/node_modules/.bin"

wasm_bindgen="$(wasm_bindgen_version)"
if ! has wasm-bindgen || [ "$(wasm-bindgen --version)" != "wasm-bindgen $wasm_bindgen" ]; then
    fail "the client needs wasm-bindgen $wasm_bindgen, here is: $(wasm-bindgen --version 2>/dev/null || echo none)" "make setup"
fi
for tool in wasm-opt esbuild terser; do
    [ -x "$tools/$tool" ] || fail "$tool is not installed" "make setup"
done
has brotli || fail "brotli is not installed" "make setup"

# Panic messages carry paths; without these flags the bytes would depend on where the clone lies.
sysroot="$(rustc --print sysroot)"
flags="--remap-path-prefix=$root=/lightspeed --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
# Of the thresholds tried from 0 to 120 (in steps of 10 to 40) the smallest result, compressed, by 200 bytes.
flags="$flags -C llvm-args=-inline-threshold=35"

cd "$root"
cargo_options=(--package lightspeed-client --profile client --target "$client_target")
if has_client_target; then
    compiled="$target_dir"
    RUSTFLAGS="$flags" cargo build "${cargo_options[@]}" --target-dir "$compiled"
elif has_debian_client_toolchain; then
    # Debian's compiler knows the target but ships no standard library for it: build that too. The
    # feature gate is open for this build alone; no source of ours uses an unstable feature.
    say "building with Debian's toolchain, its standard library from source"
    compiled="$target_dir/debian"
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags" \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$(debian_wasm_linker)" \
        /usr/bin/cargo build -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size \
        "${cargo_options[@]}" --target-dir "$compiled"
else
    fail "no Rust toolchain for $client_target" "make setup"
fi

rm -rf "$work"
mkdir -p "$bindgen" "$client_dist"
wasm-bindgen "$compiled/$client_target/client/lightspeed_client.wasm" \
    --target bundler --no-typescript --out-dir "$bindgen" --out-name lightspeed_client

# wasm-bindgen ends each import's name with a hash, which doesn't compress and is paid for in both files; and it
# makes a table for references to JavaScript's values, of which the crate holds none (client-wasm/src/lib.rs),
# and handlers that nothing here calls. All of that goes. A name that is missed fails the start of the client.
hashed='__wbg_([a-z]+)_[0-9a-f]{16}'
unused='__wbindgen_(start|externrefs|free|realloc)|__abort_handler|__instance_terminated'
"$tools/wasm-opt" --all-features --quiet "$bindgen/lightspeed_client_bg.wasm" -S -o "$bindgen/hashed.wat"
sed -E -e "s/\(import \"[^\"]*\" \"$hashed\"/(import \"lightspeed-dom\" \"\1\"/" -e 's/^( *\(import )"[^"]*"/\1"lightspeed-dom"/' \
    -e "/^ *\(export \"($unused)\"/d" "$bindgen/hashed.wat" >"$bindgen/named.wat"

# The features are the ones that rustc turns on for this target. Nothing lies in the first KiB of memory but the end
# of the stack, which comes before all data; and what takes the control flow apart and joins it anew finds shorter code.
"$tools/wasm-opt" --low-memory-unused -Oz --converge --one-caller-inline-max-function-size=0 \
    --flatten --rereloop -Oz --converge \
    --enable-bulk-memory --enable-bulk-memory-opt --enable-multivalue --enable-mutable-globals \
    --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext \
    --strip-debug --strip-producers --strip-target-features \
    "$bindgen/named.wat" -o "$work/client.wasm"

# These properties are ours alone: nothing of the browser is called like them.
# What files that aren't bundled read, as why.js reads `number`, isn't among them.
own_properties="check|marks|parent|prototypes|seen|view|edited|wasActive|slot|isContent|isFound|isText|isGone|isPlain|nodes|first|last|values|index|kind|path|template|html|namespace|held|steps|slots|roots|instances|owner"
"$tools/esbuild" "$source_dir/index.js" --bundle --minify --format=esm --target=es2022 \
    --external:./why.js --external:./inflate.js \
    "--mangle-props=^($own_properties)\$" \
    --legal-comments=none --charset=utf8 --log-level=warning \
    "--alias:lightspeed-wasm=$source_dir/glue.js" \
    --outfile="$work/bundle.js"
# Finds a thirtieth that esbuild leaves. What it takes for granted is that no arrow function is called by `new`.
"$tools/terser" "$work/bundle.js" --module --ecma 2022 --mangle \
    --compress passes=3,unsafe_arrows --output "$work/client.js"

"$tools/esbuild" "$source_dir/inflate.js" --minify --format=esm --target=es2022 --legal-comments=none --charset=utf8 \
    --log-level=warning --outfile="$work/inflate.js"

compressed_total=0
printf '%-12s %8s %8s %8s\n' bytes raw gzip brotli
for file in inflate.js client.wasm client.js; do
    # Without a name and a time inside, the same bytes compress to the same bytes.
    brotli -q 11 -w 24 -f -o "$work/$file.br" "$work/$file"
    gzip_bytes="$(gzip -9 -n -c "$work/$file" | wc -c)"
    brotli_bytes="$(wc -c <"$work/$file.br")"
    [ "$file" = inflate.js ] || compressed_total=$((compressed_total + brotli_bytes))
    printf '%-12s %8d %8d %8d\n' "$file" "$(wc -c <"$work/$file")" "$gzip_bytes" "$brotli_bytes"
done
printf '%-12s %8s %8s %8d of %d\n' client.\* '' '' "$compressed_total" "$budget_bytes"
if [ "$compressed_total" -gt "$budget_bytes" ]; then
    fail "the client is $((compressed_total - budget_bytes)) bytes over its budget of $budget_bytes bytes, compressed" \
        "make it smaller; the budget is a promise to those who load the page"
fi

cp "$work"/{client.wasm,client.js,inflate.js}{,.br} "$client_dist/"
"$root/scripts/client-inputs.sh" >"$client_dist/inputs.sha256"

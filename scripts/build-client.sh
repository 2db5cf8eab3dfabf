#!/usr/bin/env bash
# Builds the browser client from source into runtime/server/assets/client/:
#
#   client.wasm, client.js         what a browser loads; client.js finds client.wasm beside itself
#   inflate.js, viewport.js, why.js   features, which only pages that need them load
#   *.br                           the same, compressed once, here
#   inputs.sha256                  what they were built from (scripts/client-inputs.sh)
#
# cargo (profile `client`) -> wasm-bindgen -> wasm-metadce -> wasm-opt; esbuild -> terser; brotli. The crate imports its
# outputs from the module `lightspeed-dom`, which client-js/src/core/machine.js gives it. Of wasm-bindgen's own glue
# nothing is used.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The client that every page loads, as it travels: the brotli sizes of client.wasm and client.js together. The
# features are not in it.
budget_bytes=20500

source_dir="$root/client-js/src"
work="$target_dir/client-bundle"
bindgen="$work/bindgen"
tools="$root/client-js/node_modules/.bin"

wasm_bindgen="$(wasm_bindgen_version)"
if ! has wasm-bindgen || [ "$(wasm-bindgen --version)" != "wasm-bindgen $wasm_bindgen" ]; then
    fail "the client needs wasm-bindgen $wasm_bindgen, here is: $(wasm-bindgen --version 2>/dev/null || echo none)" "make setup"
fi
for tool in wasm-metadce wasm-opt esbuild terser; do
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

# The features are the ones that rustc turns on for this target.
features=(
    --enable-bulk-memory --enable-bulk-memory-opt --enable-multivalue --enable-mutable-globals
    --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext
)
# The exports that client-js/src/core/machine.js uses. wasm-bindgen adds others: a table for references to JavaScript's
# values, of which the crate holds none (client-wasm/src/lib.rs), and handlers that nothing here calls.
exports=(memory start opened closed message timeout event tokens refresh_failed wake __wbindgen_malloc)
{
    separator="["
    for export in "${exports[@]}"; do
        printf '%s{"name":"%s","export":"%s","root":true}' "$separator" "$export" "$export"
        separator=","
    done
    printf ']'
} >"$work/exports.json"
"$tools/wasm-metadce" "${features[@]}" --quiet --graph-file "$work/exports.json" \
    "$bindgen/lightspeed_client_bg.wasm" -o "$work/used.wasm" >/dev/null

# Nothing lies in the first KiB of memory but the end
# of the stack, which comes before all data; and what takes the control flow apart and joins it anew finds shorter code.
"$tools/wasm-opt" --low-memory-unused -Oz --converge --one-caller-inline-max-function-size=0 \
    --flatten --rereloop -Oz --converge "${features[@]}" \
    --strip-debug --strip-producers --strip-target-features \
    "$work/used.wasm" -o "$work/client.wasm"

# These properties are ours alone: nothing of the browser that the client uses is called like them.
own_properties=(
    abandon check constrain edited events fields findChanged first foreign from handleEarly held html index
    instances isContent isGone isPlain keepFields kind last link listen machine marks nodes note number owner parent
    path prototypes roots seen sent sessions setProperty showFields skip slot slots steps tell tellReset
    template templates view whileApplying
)
# The features are files of their own: client.js imports some of them when it needs them, by these names. What core/ and
# features/ share is constants, which are inlined: client-js/package.json says that modules do nothing when they are loaded.
"$tools/esbuild" client="$source_dir/core/index.js" viewport="$source_dir/features/viewport.js" \
    --bundle --splitting --chunk-names='[name]' --minify --format=esm --target=es2022 \
    "--mangle-props=^($(IFS='|' && printf '%s' "${own_properties[*]}"))\$" \
    --legal-comments=none --charset=utf8 --log-level=warning --outdir="$work/bundle"
# Finds a thirtieth that esbuild leaves. What it takes for granted is that no arrow function is called by `new`.
"$tools/terser" "$work/bundle/client.js" --module --ecma 2022 --mangle \
    --compress passes=3,unsafe_arrows --output "$work/client.js"
cp "$work/bundle"/{inflate,viewport,why}.js "$work/"
# A file more would be what two of them share, and every page would load it.
[ "$(find "$work/bundle" -type f | wc -l)" = 4 ] || fail "the client is in other files than it should be: $(ls "$work/bundle")" \
    "let features import nothing of core/ but constants"

compressed_total=0
printf '%-12s %8s %8s %8s\n' bytes raw gzip brotli
for file in inflate.js viewport.js why.js client.wasm client.js; do
    # Without a name and a time inside, the same bytes compress to the same bytes.
    brotli -q 11 -w 24 -f -o "$work/$file.br" "$work/$file"
    gzip_bytes="$(gzip -9 -n -c "$work/$file" | wc -c)"
    brotli_bytes="$(wc -c <"$work/$file.br")"
    case "$file" in client.*) compressed_total=$((compressed_total + brotli_bytes)) ;; esac
    printf '%-12s %8d %8d %8d\n' "$file" "$(wc -c <"$work/$file")" "$gzip_bytes" "$brotli_bytes"
done
printf '%-12s %8s %8s %8d of %d\n' client.\* '' '' "$compressed_total" "$budget_bytes"
if [ "$compressed_total" -gt "$budget_bytes" ]; then
    fail "the client is $((compressed_total - budget_bytes)) bytes over its budget of $budget_bytes bytes, compressed" \
        "make it smaller; the budget is a promise to those who load the page"
fi

cp "$work"/{client.wasm,client.js,inflate.js,viewport.js,why.js}{,.br} "$client_dist/"
"$root/scripts/client-inputs.sh" >"$client_dist/inputs.sha256"

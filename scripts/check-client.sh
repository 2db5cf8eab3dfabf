#!/usr/bin/env bash
# Fails when the committed client was built from other sources than these, then rebuilds it.
#
# The rebuilt files stay in runtime/server/assets/client/, so that the browser tests run on what the sources
# give. Whether they equal the committed bytes is reported and not judged: another compiler may
# give other bytes.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

digest() { (cd "$client_dist" && sha256sum client.wasm client.js 2>/dev/null) || true; }

recorded="$(cat "$client_dist/inputs.sha256" 2>/dev/null || echo none)"
current="$("$root/scripts/client-inputs.sh")"
if [ "$recorded" != "$current" ]; then
    fail "runtime/server/assets/client was built from other sources than these" \
        "recorded: $recorded" "now:      $current" \
        "run \`make client\` and commit runtime/server/assets/client"
fi
say "runtime/server/assets/client was built from these sources ($current)"

before="$(digest)"
"$root/scripts/build-client.sh"
if [ "$before" = "$(digest)" ]; then
    say "the rebuilt client equals the committed one, byte for byte"
else
    say "note: the rebuilt client differs from the committed one in bytes (another toolchain?);"
    say "      the browser tests run on the rebuilt one; \`git checkout runtime/server/assets/client\` takes the committed one back"
fi

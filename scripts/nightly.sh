#!/usr/bin/env bash
# What takes long or starts from fresh seeds: worlds and components that nobody has seen, hostile bytes, and the breakages, which show
# that the simulation and the browser fuzzer still find what they are there to find. A failure names the seed. The packages are built
# and used from outside of this tree.

# shellcheck source=scripts/stages.sh
. "$(dirname "${BASH_SOURCE[0]}")/stages.sh"

export FRESH_SECONDS=900 FUZZ_SECONDS=300 CASES=5000

run_steps nightly \
    "setup package" \
    "simulate-fresh breakages fuzz" \
    "browser-fuzz-fresh browser-fuzz-breakages"

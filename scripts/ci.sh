#!/usr/bin/env bash
# What a change must pass before it is merged: every check that gives the same answer whenever it is run, from stated seeds.
# `make nightly` looks for what nobody has seen yet.

# shellcheck source=scripts/stages.sh
. "$(dirname "${BASH_SOURCE[0]}")/stages.sh"

export SEEDS=3000 SEED=1 CASES=300

# The lanes of the third step build in the profiles `dev` and `release`. What drives a browser has the machine for itself.
run_steps ci \
    "setup check" \
    "test client-check" \
    "drift bench-wire docs deny | bench-gate simulate" \
    "e2e browser-fuzz"

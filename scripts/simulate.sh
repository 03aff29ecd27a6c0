#!/usr/bin/env bash
# Runs the simulation with as many seeds as one likes; a failure names its seed, which brings it back.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { echo "usage: $0 [--seeds N] [--from S]" >&2; exit 2; }

seeds=200 from=1
while (($#)); do
    [[ ${2:-} =~ ^[0-9]+$ ]] || usage
    case $1 in
        --seeds) seeds=$2 ;;
        --from) from=$2 ;;
        *) usage ;;
    esac
    shift 2
done

output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
CARILLON_SEEDS=$seeds CARILLON_FIRST_SEED=$from \
    swift test -c release --filter "SimulationTests.everySeed" >"$output" 2>&1 || status=$?
if ((status)); then cat "$output"; else grep "^simulation" "$output"; fi
exit "$status"

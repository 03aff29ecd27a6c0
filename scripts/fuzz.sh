#!/usr/bin/env bash
# Throws spoilt input at everything that reads, from one seed after the other, until the time is over or something gives way.
#   scripts/fuzz.sh [--minutes N] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
minutes=10
seed=1
while [ $# -gt 0 ]; do
    case $1 in
    --minutes) minutes=${2:?--minutes needs a number}; shift ;;
    --seed) seed=${2:?--seed needs a number}; shift ;;
    *) echo "usage: scripts/fuzz.sh [--minutes N] [--seed N]" >&2; exit 2 ;;
    esac
    shift
done
swift build -c release --build-tests
end=$((SECONDS + 60 * minutes))
while [ "$SECONDS" -lt "$end" ]; do
    # No reader may need more than this for 64 KiB; the tests themselves and Swift need less than half of it.
    if ! (ulimit -v 8000000; CARILLON_FUZZ_SEED=$seed CARILLON_FUZZ_ROUNDS=4 \
        swift test -c release --skip-build --filter 'FuzzTests' >"/tmp/carillon-fuzz-$seed.log" 2>&1); then
        tail -n 40 "/tmp/carillon-fuzz-$seed.log"
        echo "seed $seed gave way: CARILLON_FUZZ_SEED=$seed CARILLON_FUZZ_ROUNDS=4 scripts/test.sh --filter FuzzTests" >&2
        exit 1
    fi
    grep '^fuzz:' "/tmp/carillon-fuzz-$seed.log" || true
    rm -f "/tmp/carillon-fuzz-$seed.log"
    seed=$((seed + 1))
done
echo "nothing gave way, up to seed $((seed - 1))"

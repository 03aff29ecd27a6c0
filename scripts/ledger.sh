#!/usr/bin/env bash
# A ledger at size, on both stores: ten million runs, and 1,000 more a second. Prints how long a start and questions take, and what
# a retention pass over a tenth of them does to lateness. Takes some half an hour, and some 15 GB on the disk.
#   scripts/ledger.sh [--runs N] [sqlite | postgres]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need postgresql python3
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
exec python3 -B scripts/ledger.py "$bin" "$@"

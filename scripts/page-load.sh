#!/usr/bin/env bash
# How fast the pages are when the ledger is large: a million jobs and ten million runs in SQLite (or, copied from there, in
# PostgreSQL), a thousand runs a second meanwhile.
# Prints a table, and exits with 1 when a bound is not kept. Takes some five minutes, and 8 GB on the disk.
#   scripts/page-load.sh [--jobs N] [--runs N] [--times N] [--looks N] [--postgres] [--figures]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need postgresql python3
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
exec python3 -B scripts/page-load.py "$bin" "$@"

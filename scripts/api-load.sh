#!/usr/bin/env bash
# How fast the API is when the ledger is large: a million jobs and ten million runs in SQLite, asked by wrk, beside a bare server of
# the same library on the same machine; and what that does to a thousand runs a second. Prints a table, and exits with 1 when a
# bound is not kept. Takes some ten minutes, and 8 GB on the disk.
#   scripts/api-load.sh [--jobs N] [--runs N] [--seconds N] [--connections N]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3 wrk
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
swift build -c release --package-path Benchmarks --product Hello >&2
exec python3 -B scripts/api-load.py "$bin" Benchmarks/.build/release/Hello "$@"

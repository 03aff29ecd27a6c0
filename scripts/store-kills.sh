#!/usr/bin/env bash
# Kills under load with the ledger in PostgreSQL: 200 runs a second for Redis, while the daemon is killed twenty times and the
# server five times (SIGKILL, or a restart that waits for nobody), and once everything between them is held back for a while and
# delivered late. Checks that each time is once in the ledger and once in Redis, from both sides. It takes some three minutes.
#   scripts/store-kills.sh [--for SECONDS] [--seed N]      default: 150 seconds, at least 60, and any seed
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3 postgresql redis-server
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
exec python3 -B scripts/store-kills.py "$bin" "$@"

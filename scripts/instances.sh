#!/usr/bin/env bash
# Several instances on one store, under whatever may happen to them. Checks what the ledger says against what came of it.
#   scripts/instances.sh kills [--instances N] [--for SECONDS] [--rate N] [--seed N]   killed, stopped, cut from the store
#   scripts/instances.sh programs [--for SECONDS] [--rate N] [--seed N]     each started at most once, on any machine
#   scripts/instances.sh takeover [--times N] [--fast] [--rate N]           from SIGKILL to the first run of another one
#   scripts/instances.sh rolling [--rate N]                                 four are restarted in order, under load
#   scripts/instances.sh clocks                                             wall clocks that are wrong, and a store's that steps
#   scripts/instances.sh spread [--jobs N]                                  who has how much, and what moves when one dies
#   scripts/instances.sh beats [--members N]                                what a thousand idle ones cost the store
# The store is a PostgreSQL; --store mongodb before the command takes MongoDB, for all but clocks, spread and beats.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3 python3-venv postgresql redis-server
venv mongo 'SecantusDB==0.7.0b3'
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
exec python3 -B scripts/instances.py "$bin" "$@"

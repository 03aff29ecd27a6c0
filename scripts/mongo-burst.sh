#!/usr/bin/env bash
# Jobs that are all due at one moment, on a store on MongoDB: how many runs a second are in the ledger and out, against how fast the
# server carries out the same writes for whoever asks for nothing else.
#   scripts/mongo-burst.sh [--jobs N]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3 python3-venv redis-server
venv mongo 'SecantusDB==0.7.0b3'
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
exec .build/venvs/mongo/bin/python -B scripts/mongo-burst.py "$bin" "$@"

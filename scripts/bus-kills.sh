#!/usr/bin/env bash
# Kills under load: 200 runs a second over RabbitMQ, while the daemon, the broker and both are killed (SIGKILL) in turn and
# started anew. Checks by the ledger and by what the workers got that no time, no run and no message is missing, and prints what
# came twice. With the usual length it takes some two minutes.
#   scripts/bus-kills.sh [--for SECONDS] [--seed N]      default: 90 seconds, at least 30, and any seed
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3 python3-pika rabbitmq-server
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
# Debian's Python, whose pika it is.
exec /usr/bin/python3 -B scripts/bus-kills.py "$bin" "$@"

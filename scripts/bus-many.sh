#!/usr/bin/env bash
# Many jobs on RabbitMQ: 10,000 are added beside 50 that tick each second. Prints how long it takes until the broker has all their
# queues, what the daemon needs for them, and what it did to the lateness of those that tick. Takes some minutes.
#   scripts/bus-many.sh [N]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3 python3-pika rabbitmq-server
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
# Debian's Python, whose pika it is.
exec /usr/bin/python3 -B scripts/bus-many.py "$bin" "${1:-10000}"

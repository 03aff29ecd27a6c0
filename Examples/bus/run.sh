#!/usr/bin/env bash
# Workers on RabbitMQ: a broker, two workers in Python and one in Swift, and the daemon that sends them their runs. Runs until Ctrl-C, or:
# run.sh --for SECONDS, which fails unless runs of both topologies completed.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/common.sh
need jq python3 python3-pika rabbitmq-server
echo "building (the first time takes some minutes) ..."
swift build -c release --product carillon
swift build -c release --product carillon-shim
swift build -c release --product bus-worker

seconds=
if [ "${1:-}" = --for ]; then seconds=${2:?--for needs a number of seconds}; fi
here=$PWD/Examples/bus
carillon=$PWD/.build/release/carillon
source scripts/servers.sh
start_rabbitmq

# Debian's Python, whose pika it is.
/usr/bin/python3 "$here/worker.py" "$bus" greet count >>"$folder/worker.log" 2>&1 & pids+=($!)
/usr/bin/python3 "$here/worker.py" --exchanges "$bus" audit >>"$folder/worker.log" 2>&1 & pids+=($!)
.build/release/bus-worker "$bus" tidy >>"$folder/worker.log" 2>&1 & pids+=($!)
export CARILLON_STATE="$folder/state" CARILLON_BUS_URL="$bus"
"$carillon" serve --config "$here/carillon.toml" --log-level warning & pids+=($!)
"$carillon" status --wait 20

echo
echo "Somebody asks for a run, and gives it an argument:"
"$carillon" jobs run count --arg to=5
started=$SECONDS
while [ -z "$seconds" ] || [ $((SECONDS - started)) -lt "$seconds" ]; do
    sleep 2
    echo
    "$carillon" runs list --limit 8
done
echo
echo "What the workers said last:"
tail -n 8 "$folder/worker.log"
for job in greet count audit tidy; do
    completed=$("$carillon" runs list --job "$job" --json | jq -s '[.[] | select(.state == "completed")] | length')
    echo "$job: $completed runs completed"
    [ "$completed" -gt 0 ] || { echo "no run of $job completed" >&2; cat "$folder/worker.log" >&2; exit 1; }
done
"$carillon" status

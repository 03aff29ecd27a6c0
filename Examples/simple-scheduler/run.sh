#!/usr/bin/env bash
# Simple Scheduler's services, done by Carillon: a broker, a database of MongoDB's protocol with a job that was left in it, a scheduler, a
# custodian and an API, each with a .env of Simple Scheduler's form, and a worker. Runs until Ctrl-C, or: run.sh --for SECONDS, which fails
# unless runs of the job that was there and of one that is added over the API completed.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/common.sh
need curl jq python3 python3-pika python3-venv rabbitmq-server
venv mongo 'SecantusDB==0.7.0b3'
echo "building (the first time takes some minutes) ..."
swift build -c release --product carillon
swift build -c release --product carillon-shim

seconds=
if [ "${1:-}" = --for ]; then seconds=${2:?--for needs a number of seconds}; fi
here=$PWD/Examples/simple-scheduler
carillon=$PWD/.build/release/carillon
source scripts/servers.sh
start_rabbitmq

database=mongodb://127.0.0.1:$(port)
.build/venvs/mongo/bin/python "$here/database.py" "$folder/data" "$database" >"$folder/database.log" 2>&1 & pids+=($!)
until_true grep -q listening "$folder/database.log"

# As its services come with them.
api=http://127.0.0.1:$(port)
common="SIMPLE_SCHEDULER_DB_TYPE=mongodb
SIMPLE_SCHEDULER_DB_CONNECTION_STRING=$database
SIMPLE_SCHEDULER_DB_NAME=simpleScheduler"
bus_lines="SIMPLE_SCHEDULER_MESSAGEBUS_TYPE=rabbitmq
SIMPLE_SCHEDULER_MESSAGEBUS_CONNECTION_STRING=$bus"
printf '%s\n' "$common" "$bus_lines" SIMPLE_SCHEDULER_MAX_JOBS=0 SIMPLE_SCHEDULER_CLEANUP_INTERVAL=60000 \
    SIMPLE_SCHEDULER_CACHE_REFRESH_INTERVAL=300000 SIMPLE_SCHEDULER_HEARTBEAT_INTERVAL=1000 >"$folder/scheduler.env"
printf '%s\n' "$common" SIMPLE_SCHEDULER_CLEANUP_INTERVAL=60000 SIMPLE_SCHEDULER_HEARTBEAT_TIMEOUT=3000 >"$folder/custodian.env"
printf '%s\n' "$common" "$bus_lines" "SIMPLE_SCHEDULER_API_URL=${api#http://}" >"$folder/api.env"
chmod 600 "$folder"/*.env

"$carillon" serve --simple-scheduler "$folder/scheduler.env" --state-dir "$folder/scheduler" --roles scheduler & pids+=($!)
"$carillon" custodian --simple-scheduler "$folder/custodian.env" --state-dir "$folder/custodian" --log-level error & pids+=($!)
"$carillon" serve --simple-scheduler "$folder/api.env" --state-dir "$folder/api" --roles api --log-level error & pids+=($!)
# Debian's Python, whose pika it is.
/usr/bin/python3 Examples/bus/worker.py "$bus" left-behind added >>"$folder/worker.log" 2>&1 & pids+=($!)
"$carillon" status --state-dir "$folder/scheduler" --wait 120 >/dev/null
until_true curl -fsS "$api/api/status"

echo
echo "Somebody adds a job over Simple Scheduler's API:"
token=$("$carillon" token create example --scope jobs:read --scope jobs:write --scope runs:read --state-dir "$folder/api")
ask() { curl -fsS -H "Authorization: Bearer $token" "$@"; }
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
ask -X POST "$api/api/jobs" -d "{\"name\":\"added\",\"enabled\":true,\"nextRunAt\":\"$now\",\"interval\":2000,\"heartbeatTimeout\":10000}"
echo
started=$SECONDS
while [ -z "$seconds" ] || [ $((SECONDS - started)) -lt "$seconds" ]; do
    sleep 2
    echo
    ask "$api/api/runs" | jq -r '.[:8][] | "\(.id) \(.jobName) \(.status)"'
done
for job in left-behind added; do
    completed=$(ask "$api/api/runs?jobName=$job&status=completed" | jq length)
    echo "$job: $completed runs completed"
    [ "$completed" -gt 0 ] || { echo "no run of $job completed" >&2; cat "$folder/worker.log" >&2; exit 1; }
done
"$carillon" instances list --state-dir "$folder/scheduler"

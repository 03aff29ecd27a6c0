#!/usr/bin/env bash
# Simple Scheduler's API by plain curl, status by status, on a real daemon; then a worker on a real RabbitMQ runs the same job.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need curl jq python3 python3-pika rabbitmq-server
swift build -c release --product carillon
swift build -c release --product carillon-shim
carillon=$PWD/.build/release/carillon
source scripts/servers.sh
start_rabbitmq

listen=127.0.0.1:$(port)
api=http://$listen/api
export CARILLON_STATE="$folder/state" CARILLON_BUS_URL="$bus" CARILLON_API_LISTEN="$listen"
"$carillon" serve --log-level warning & pids+=($!)
"$carillon" status --wait 20 >/dev/null
token=$("$carillon" token create seed --scope jobs:read,jobs:write,runs:read,runs:write)
reader=$("$carillon" token create reader --scope jobs:read,runs:read)

# ask STATUS METHOD PATH [TOKEN [BODY]]: the body of the answer, which must have this status.
ask() {
    local status
    status=$(curl -sS -m 20 -o "$folder/body" -w '%{http_code}' -X "$2" ${4:+-H "Authorization: Bearer $4"} \
        ${5:+-H 'Content-Type: application/json' -d "$5"} "$api$3")
    printf '%-6s %-42s %s  %s\n' "$2" "$3" "$status" \
        "$(jq -c 'if type == "object" then .error // . else . end' "$folder/body" | cut -c -80)"
    [ "$status" = "$1" ] || { echo "expected $1" >&2; exit 1; }
}
# holds FILTER: whether jq finds the answer as it is to be.
holds() { jq -e "$1" "$folder/body" >/dev/null || { echo "not so: $1" >&2; cat "$folder/body" >&2; exit 1; }; }

echo "The table, row by row:"
ask 200 GET /status; holds '. == {"status": "OK"}'
ask 401 GET /jobs; holds '.error'
ask 401 GET /jobs nonsense
ask 200 GET /jobs "$token"; holds '. == []'
soon=$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)
job='{"name": "resize", "enabled": true, "nextRunAt": "'$soon'", "interval": 2000, "runExecutionTimeout": 0, "runStartTimeout": 0,
    "maxQueueCount": 0, "allowConcurrentRuns": false, "heartbeatTimeout": 0, "heartbeat": "0001-01-01T00:00:00Z"}'
ask 403 POST /jobs "$reader" "$job"; holds '.error == "Missing required scopes" and .missing_scopes == ["jobs:write"]'
ask 400 POST /jobs "$token" '{"name": "resize", "interval": "often"}'; holds 'any(.fields[]; .path == "interval")'
ask 400 POST /jobs "$token" '{"name": "resize", "interval": 1000, "colour": "red"}'; holds 'any(.fields[]; .path == "colour")'
ask 400 POST /jobs "$token" 'no JSON'
ask 201 POST /jobs "$token" "$job"; holds '. == {"name": "resize"}'
ask 409 POST /jobs "$token" "$job"
ask 200 GET /jobs "$token"; holds 'length == 1 and .[0].name == "resize"'
ask 200 GET /jobs/resize "$token"; holds '.interval == 2000 and .enabled and (has("managerId") | not)'
ask 404 GET /jobs/nobody "$token"
ask 204 PATCH /jobs/resize "$token" '{"interval": 1000}'
ask 200 GET /jobs/resize "$token"; holds '.interval == 1000'
ask 403 PATCH /jobs/resize "$reader" '{"interval": 1}'
ask 404 PATCH /jobs/nobody "$token" '{"interval": 1000}'
ask 404 DELETE /jobs/nobody "$token"

echo "A run comes, and nobody takes it yet:"
pending() { curl -sS -H "Authorization: Bearer $token" "$api/runs?jobName=resize&status=pending" | jq -e 'length > 0'; }
until_true pending
ask 200 GET '/runs?jobName=resize' "$token"; holds 'all(.[]; .jobName == "resize" and (has("endTime") | not))'
id=$(jq -r '.[-1].id' "$folder/body")
ask 400 GET '/runs?status=asleep' "$token"; holds 'any(.fields[]; .path == "status")'
ask 400 GET '/runs?createdBefore=soon' "$token"
ask 200 GET "/runs/$id" "$token"; holds '.status == "pending"'
ask 404 GET /runs/000000000000000000000000 "$token"
ask 403 POST "/runs/$id/cancel" "$reader"; holds '.missing_scopes == ["runs:write"]'

echo "A worker comes:"
/usr/bin/python3 Examples/bus/worker.py "$bus" resize >"$folder/worker.log" 2>&1 & pids+=($!)
completed() { curl -sS -H "Authorization: Bearer $token" "$api/runs?jobName=resize&status=completed" | jq -e 'length >= 2'; }
until_true completed
ask 200 GET '/runs?jobName=resize&status=completed' "$token"; holds 'all(.[]; .startTime and .endTime)'
over=$(jq -r '.[-1].id' "$folder/body")
ask 400 POST "/runs/$over/cancel" "$token"; holds '.error'
# As the original's clients ask for it.
ask 400 GET "/runs/$over/cancel" "$token"
kill "${pids[-1]}" && wait "${pids[-1]}" 2>/dev/null || true
unset 'pids[-1]'
until_true pending
ask 200 GET '/runs?status=pending' "$token"
ask 204 POST "/runs/$(jq -r '.[0].id' "$folder/body")/cancel" "$token"
ask 204 PATCH /jobs/resize "$token" '{"enabled": false}'
ask 204 DELETE /jobs/resize "$token"
ask 404 GET /jobs/resize "$token"
echo "every answer was as the table has it, and the worker's last words were:"
tail -n 3 "$folder/worker.log"

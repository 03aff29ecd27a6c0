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
folder=$(mktemp -d)
pids=()
finish() {
    trap - EXIT
    # The daemon first, the broker last.
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2>/dev/null && wait "${pids[i]}" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
until_true() { for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "did not come up: $*" >&2; exit 1; }

broker=$(port)
url="amqp://guest:guest@127.0.0.1:$broker/"
echo '[].' >"$folder/plugins"
printf 'listeners.tcp.1 = 127.0.0.1:%s\ndisk_free_limit.absolute = 1MB\n' "$broker" >"$folder/rabbitmq.conf"
# The script in RabbitMQ's own folder: the one on the PATH is Debian's, for a server of the whole machine. Told that it runs
# under systemd, it becomes the server itself, which SIGTERM then ends.
env HOME="$folder" RUNNING_UNDER_SYSTEMD=true RABBITMQ_NODENAME="example-$broker@localhost" RABBITMQ_DIST_PORT="$(port)" \
    RABBITMQ_CONFIG_FILE="$folder/rabbitmq" RABBITMQ_CONF_ENV_FILE="$folder/none" RABBITMQ_MNESIA_BASE="$folder/data" \
    RABBITMQ_LOG_BASE="$folder" RABBITMQ_FEATURE_FLAGS_FILE="$folder/flags" RABBITMQ_PID_FILE="$folder/pid" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}' \
    /usr/lib/rabbitmq/bin/rabbitmq-server >"$folder/broker.log" 2>&1 </dev/null & pids+=($!)
until_true /usr/bin/python3 -c 'import pika, sys; pika.BlockingConnection(pika.URLParameters(sys.argv[1]))' "$url"

# Debian's Python, whose pika it is.
/usr/bin/python3 "$here/worker.py" "$url" greet count >>"$folder/worker.log" 2>&1 & pids+=($!)
/usr/bin/python3 "$here/worker.py" --exchanges "$url" audit >>"$folder/worker.log" 2>&1 & pids+=($!)
.build/release/bus-worker "$url" tidy >>"$folder/worker.log" 2>&1 & pids+=($!)
export CARILLON_STATE="$folder/state" CARILLON_BUS_URL="$url"
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

#!/usr/bin/env bash
# Builds Carillon, runs a daemon with three live jobs in a scratch folder, and shows what happens.
#   scripts/demo.sh [--for SECONDS]     without --for it goes on until Ctrl-C
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh

seconds=
if [ "${1:-}" = --for ]; then seconds=${2:?--for needs a number of seconds}; fi

echo "building (the first time takes some minutes) ..."
swift build -c release --product carillon
swift build -c release --product carillon-shim
carillon=$PWD/.build/release/carillon

export CARILLON_STATE
CARILLON_STATE=$(mktemp -d)
mkdir "$CARILLON_STATE/jobs.d"
cat >"$CARILLON_STATE/jobs.d/demo.toml" <<'JOBS'
[[job]]
name = "clock"                       # every two seconds, on the dot
every = "2s"
exec = ["/bin/date", "+it is %H:%M:%S"]

[[job]]
name = "unlucky"                     # fails, and is tried again
every = "10s"
shell = "echo trying; test $CARILLON_ATTEMPT -ge 3"
retry = { attempts = 3, backoff = "1s" }

[[job]]
name = "payroll"                     # 19:00 in New York, whatever the clocks there do
cron = "0 19 * * *"
time_zone = "America/New_York"
shell = "echo paying everybody"
JOBS

"$carillon" serve 2>"$CARILLON_STATE/daemon.log" &
daemon=$!
finish() {
    kill "$daemon" 2>/dev/null && wait "$daemon" || true
    echo
    echo "The daemon said:"
    cat "$CARILLON_STATE/daemon.log"
    rm -rf "$CARILLON_STATE"
}
trap finish EXIT
trap 'exit 0' INT TERM
"$carillon" status --wait 20 >/dev/null

began=$SECONDS
while [ -z "$seconds" ] || [ $((SECONDS - began)) -lt "$seconds" ]; do
    [ -t 1 ] && clear
    echo "── carillon jobs list"
    "$carillon" jobs list
    echo
    echo "── carillon runs list --limit 8"
    "$carillon" runs list --limit 8
    echo
    echo "── carillon why payroll"
    "$carillon" why payroll
    echo
    sleep 3
done

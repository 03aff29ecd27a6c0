#!/usr/bin/env bash
# Builds Carillon, runs a daemon with live jobs in a scratch folder, and shows what happens: here, and in a browser by the link it prints.
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
source scripts/servers.sh

export CARILLON_STATE=$folder/state
mkdir -p "$CARILLON_STATE/jobs.d"
cp scripts/demo.toml "$CARILLON_STATE/jobs.d/demo.toml"
printf '[api]\nlisten = "127.0.0.1:%s"\n' "$(port)" >"$CARILLON_STATE/carillon.toml"
"$carillon" serve 2>"$folder/daemon.log" & pids+=($!)
said() {
    kill "${pids[0]}" 2>/dev/null && wait "${pids[0]}" || true
    echo
    echo "The daemon said:"
    cat "$folder/daemon.log"
    finish
}
trap said EXIT
trap 'exit 0' INT TERM
"$carillon" status --wait 20 >/dev/null

began=$SECONDS linked=-60 link=
while [ -z "$seconds" ] || [ $((SECONDS - began)) -lt "$seconds" ]; do
    # A link lets one browser in, within a minute.
    if [ $((SECONDS - linked)) -ge 50 ]; then link=$("$carillon" open 2>/dev/null) linked=$SECONDS; fi
    [ -t 1 ] && clear
    echo "── in a browser: $link"
    echo
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

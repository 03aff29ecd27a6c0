#!/usr/bin/env bash
# Makes the pictures of the README, docs/images: the demo's daemon, looked at by a browser without a window.
#   scripts/screenshots.sh [FOLDER]     all pages, light and dark, wide and narrow, into a folder instead
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need chromium chromium-driver python3 python3-venv
venv oidc authlib flask selenium
swift build -c release --product carillon
swift build -c release --product carillon-shim
carillon=$PWD/.build/release/carillon
source scripts/servers.sh

mkdir "$folder/state" "$folder/state/jobs.d"
export CARILLON_STATE=$folder/state
cp scripts/demo.toml "$CARILLON_STATE/jobs.d/demo.toml"
printf 'time_zone = "Europe/Berlin"\n[api]\nlisten = "127.0.0.1:%s"\n' "$(port)" >"$CARILLON_STATE/carillon.toml"
"$carillon" serve 2>"$folder/daemon.log" & pids+=($!)
"$carillon" status --wait 20 >/dev/null
echo "letting it run for a minute ..."
sleep 60
.build/venvs/oidc/bin/python -B scripts/screenshots.py "$("$carillon" open 2>/dev/null)" "${1:-}"

#!/usr/bin/env bash
# A morning with Carillon: jobs that came from cron, looked after with nothing but `carillon`. Every step has a --json for
# programs, and what a program sees is checked here.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/common.sh
need jq

swift build -c release --product carillon
swift build -c release --product carillon-shim
PATH=$PWD/.build/release:$PATH
CARILLON_STATE=$(mktemp -d)
export CARILLON_STATE
trap 'kill "$daemon" 2>/dev/null || true; wait; rm -rf "$CARILLON_STATE"' EXIT

# Prints a command as a person types it, and runs it.
step() {
    printf '\n$ %s\n' "$1"
    bash -c "$1"
}

# What `--json` prints of a command, all its lines as one list, is so.
holds() {
    bash -c "$1 --json" | jq -se "$2" > "$CARILLON_STATE/answer" || {
        echo "'$1 --json': expected $2, found $(cat "$CARILLON_STATE/answer")" >&2
        exit 1
    }
}

# The programs of the crontab. Two of them do not go well.
mkdir "$CARILLON_STATE/bin"
for program in $(sed -n 's/.* //p' Examples/morning/crontab | grep '^[a-z]*$'); do
    printf '#!/bin/sh\necho "%s of $CARILLON_SCHEDULED_AT"\n' "$program" > "$CARILLON_STATE/bin/$program"
    chmod +x "$CARILLON_STATE/bin/$program"
done
echo "test -e '$CARILLON_STATE/room' || { echo the disk is full >&2; exit 3; }" >> "$CARILLON_STATE/bin/disk"
echo "echo no such host >&2; exit 7" >> "$CARILLON_STATE/bin/mirror"
sed "s#/opt/morning/bin#$CARILLON_STATE/bin#" Examples/morning/crontab > "$CARILLON_STATE/crontab"

# A zone where it is between nine and ten in the morning.
shift=$(((9 - $(date -u +%-H) + 36) % 24 - 12))
zone=$(printf 'Etc/GMT%+d' $((-shift)))
echo "time_zone = \"$zone\"" > "$CARILLON_STATE/carillon.toml"
carillon serve 2> "$CARILLON_STATE/log" & daemon=$!
carillon status --wait 20 > /dev/null

# From cron.
export zone
step 'carillon import crontab "$CARILLON_STATE/crontab" --zone "$zone" --add'
holds 'carillon jobs list' 'length == 22'
step "carillon jobs list --sort next --limit 5"

# One job is edited, one key of another is set, and a third one gets a tag.
export EDITOR="sed -i s/19/18/"
step 'carillon jobs edit payroll'
step 'carillon jobs set heartbeat timeout=30s'
for job in payroll heartbeat; do step "carillon jobs set $job tags='[\"money\"]'"; done
holds 'carillon jobs show payroll' '.[0].schedule == "0 18 * * 1-5" and .[0].tags == ["money"]'
holds 'carillon jobs show heartbeat' '.[0].policies.timeoutSeconds == 30'

# The bank is closed: what will be missed?
step "carillon pause 'the bank is closed' --tag money --for 1h"
step 'carillon agenda --tag money --within 2h'
holds 'carillon agenda heartbeat --within 59m' 'length >= 5 and all(.paused == "the bank is closed")'
step 'carillon resume --tag money'

# Last night nobody scheduled here: it is made up for, and some of it fails.
step "carillon backfill disk --from 24h --dry-run"
holds 'carillon backfill disk --from 24h --dry-run' 'length == 1 and .[0].was == null'
for job in disk mirror statistics; do step "carillon backfill $job --from 24h"; done
for _ in $(seq 100); do
    [ "$(carillon runs list --trigger backfill --json | jq -s 'map(select(.endedAt)) | length')" = 3 ] && break
    sleep 0.1
done
step 'carillon runs list --failed --since 48h'
holds 'carillon runs list --failed --since 48h' 'map(.exitCode) | sort == [3, 7]'
step 'carillon runs logs --job disk --tail 5'

# Room is made, and the run is done again, for its own time.
touch "$CARILLON_STATE/room"
id=$(carillon runs list --job disk --failed --json | jq -r .shortID)
step "carillon runs retry $id --wait"
step 'carillon why disk'
holds 'carillon runs list --job disk --state completed' 'length == 1 and .[0].repeats != null'

# The next 24 hours of everything, and who did what.
step 'carillon agenda'
holds 'carillon agenda' 'map(.count) | add > 200'
step 'carillon audit --limit 12'
holds 'carillon audit' 'map(select(.subject == "disk") | .action) == ["backfill", "add"]'
holds 'carillon audit' 'all(.user != null and .channel == "control socket")'
echo "a morning, and all is well"

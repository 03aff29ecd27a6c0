#!/usr/bin/env bash
# A whole Frappe site in miniature: MariaDB with the app's tables, a web server that pickles, Redis, a worker of Python RQ, and
# the daemon with BTU Scheduler's own configuration. Runs until Ctrl-C, or: run.sh --for SECONDS
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/common.sh
need mariadb-server redis-server python3 python3-venv
venv site 'rq<3' pymysql
echo "building (the first time takes some minutes) ..."
swift build -c release --product carillon
swift build -c release --product carillon-shim

seconds=
[ "${1:-}" = --for ] && seconds=$2
here=$PWD/Examples/frappe
carillon=$PWD/.build/release/carillon
python=$PWD/.build/venvs/site/bin
folder=$(mktemp -d)
pids=()
finish() {
    trap - EXIT
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
until_true() { for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "did not come up: $*" >&2; exit 1; }

mysql=$(port) redis=$(port) web=$(port) token="token demo:secret"

mariadb-install-db --no-defaults --datadir="$folder/mysql" --auth-root-authentication-method=normal --skip-test-db >/dev/null
mariadbd --no-defaults --user="$(id -un)" --datadir="$folder/mysql" --port="$mysql" --socket="$folder/mysql.sock" \
    --bind-address=127.0.0.1 2>"$folder/mysql.log" & pids+=($!)
redis-server --port "$redis" --bind 127.0.0.1 --dir "$folder" --save "" --appendonly yes >/dev/null & pids+=($!)
sql() { mariadb --no-defaults --socket="$folder/mysql.sock" --user=root "$@"; }
until_true sql -e 'SELECT 1'
sql -e "CREATE DATABASE site CHARACTER SET utf8mb4;
        CREATE USER frappe@'127.0.0.1' IDENTIFIED BY 'frappe'; GRANT ALL ON site.* TO frappe@'127.0.0.1';"
sql site <"$here/schema.sql"
"$python/python" "$here/web.py" "$web" "$mysql" "$token" & pids+=($!)
until_true redis-cli -p "$redis" ping

cat >"$folder/btu_scheduler.toml" <<END
name = "A site in miniature"
full_refresh_internal_secs = 5
time_zone_string = "America/New_York"
startup_without_database_connections = true
mysql_user = "frappe"
mysql_password = "frappe"
mysql_host = "127.0.0.1"
mysql_port = $mysql
mysql_database = "site"
rq_host = "127.0.0.1"
rq_port = $redis
socket_path = "$folder/btu.sock"
webserver_ip = "127.0.0.1"
webserver_port = $web
webserver_token = "$token"
END
CARILLON_FRAPPE_LOG_UNREACHED=true CARILLON_FRAPPE_START_TIMEOUT=4s "$carillon" serve --btu "$folder/btu_scheduler.toml" --state-dir "$folder/state" --log-level warning & pids+=($!)
(cd "$here" && PYTHONDONTWRITEBYTECODE=1 exec "$python/rq" worker --quiet --url "redis://127.0.0.1:$redis" default short long) & pids+=($!)
until_true "$carillon" status --state-dir "$folder/state" --wait 10

echo
echo "A user saves a new schedule in the browser: the app announces it, then commits."
"$python/python" "$here/announce.py" "$folder/btu.sock" TS-000005
sql site -e "INSERT INTO \`tabBTU Task Schedule\` (name, modified, task, enabled, queue_name, run_frequency, cron_string)
             VALUES ('TS-000005', NOW(6), 'TASK-0001', 1, 'default', 'Cron Style', '*/3 * * * * * *')"
started=$SECONDS
while [ -z "$seconds" ] || [ $((SECONDS - started)) -lt "$seconds" ]; do
    sleep 5
    echo
    "$carillon" btu show-scheduled --config "$folder/btu_scheduler.toml"
    "$carillon" btu results --state-dir "$folder/state" --limit 8
done
echo
echo "What no worker of the site started, in the app's own log:"
sql site -e 'SELECT date_time_started, schedule, success_fail, result_message FROM `tabBTU Task Log`'
# One row is wrong on purpose, and status says so with exit code 5.
"$carillon" status --state-dir "$folder/state" || [ $? -eq 5 ]

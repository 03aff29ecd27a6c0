#!/usr/bin/env bash
# Measures, prints one table, and writes the same figures as JSON.
#   scripts/bench.sh [--quick] [--json FILE]     --quick leaves out the million jobs
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need postgresql python3-pika python3-venv rabbitmq-server redis-server

quick=
json=benchmarks.json
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=1 ;;
    --json) json=${2:?--json needs a file}; shift ;;
    *) echo "usage: scripts/bench.sh [--quick] [--json FILE]" >&2; exit 2 ;;
    esac
    shift
done

swift build -c release --product carillon
swift build -c release --product carillon-shim
swift build -c release --package-path Benchmarks
bench=Benchmarks/.build/release/CarillonBenchmarks
scratch=$(mktemp -d)
redis=
trap 'kill $redis 2>/dev/null; rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install -q cronsim tzdata
# rq-scheduler's last release is older than RQ 3.
"$scratch/venv/bin/pip" install -q rq-scheduler 'rq<3'

run() { echo "measuring: $*" >&2; "$@" | tee -a "$scratch/figures" >&2; }

# The same expressions, in the same run.
run "$bench" timetable-rate
run "$scratch/venv/bin/python" Benchmarks/cronsim_rate.py
sizes=(100000)
[ -n "$quick" ] || sizes+=(1000000)
for jobs in "${sizes[@]}"; do
    run "$bench" fill "$scratch/store-$jobs" --jobs "$jobs"
    run "$bench" hold "$scratch/store-$jobs"
    rm -rf "$scratch/store-$jobs"
done
[ -n "$quick" ] || run scripts/page-load.sh --figures
run "$bench" spread --rate 1000
run "$bench" spread --rate 10000
run "$bench" burst --jobs 100000 --late
run "$bench" burst --jobs 100000
run "$bench" programs --shim "$PWD/.build/release/carillon-shim"

# The same on a PostgreSQL with everything on its disk that it says is there, and what that does with two plain statements.
postgres() { run python3 -B scripts/beside.py postgres bash -c "$1" "$bench"; }
postgres '"$0" postgres-limit --postgres "$SERVER"'
postgres '"$0" burst --jobs 100000 --late --postgres "$SERVER"'
postgres '"$0" burst --jobs 100000 --postgres "$SERVER"'
postgres '"$0" postgres-limit --postgres "$SERVER"'
postgres '"$0" spread --rate 1000 --postgres "$SERVER"'
postgres '"$0" spread --rate 10000 --postgres "$SERVER"'
for jobs in "${sizes[@]}"; do
    postgres "\"\$0\" fill $scratch --jobs $jobs --postgres \"\$SERVER\" && \"\$0\" hold $scratch --postgres \"\$SERVER\""
done

# Debian's Python, whose pika waits for the broker.
run /usr/bin/python3 -B scripts/beside.py rabbitmq bash -c '"$0" bus --amqp "$SERVER"' "$bench"

# The same function and arguments, on the same Redis.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --bind 127.0.0.1 --port "$port" --dir "$scratch" --save "" >"$scratch/redis.log" &
redis=$!
until redis-cli -p "$port" ping >/dev/null 2>&1; do sleep 0.1; done
url=redis://127.0.0.1:$port
burst=100000
[ -z "$quick" ] || burst=10000
run "$bench" rq --redis "$url" --jobs 100000
run "$scratch/venv/bin/python" Benchmarks/rq_scheduler_rate.py "$url" "$burst"
run "$bench" rq --redis "$url" --rate 1000

python3 Benchmarks/table.py "$scratch/figures" "$json"

#!/usr/bin/env bash
# The API under people who mean harm: slow connections, huge bodies, floods of headers, paths and texts that are to slip through,
# while hundreds of runs a second are due. Whatever is asked is refused or closed, and neither memory, descriptors nor lateness
# tell of it. With `scrape`, Prometheus of Debian reads /metrics for a minute. Exits with 1 when a bound is not kept.
#   scripts/api-siege.sh [--slow N] [--seconds N]
#   scripts/api-siege.sh scrape [--jobs N] [--seconds N]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3
[ "${1:-}" != scrape ] || need prometheus
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
if [ "${1:-}" = scrape ]; then
    shift
    # Here programs are started.
    [ -n "${CARILLON_SHIM:-}" ] || [ -x "$(dirname "$bin")/carillon-shim" ] || swift build -c release --product carillon-shim
    exec python3 -B scripts/api-scrape.py "$bin" "$@"
fi
exec python3 -B scripts/api-siege.py "$bin" "$@"

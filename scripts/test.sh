#!/usr/bin/env bash
# Installs what the tests need and runs every test. Arguments go to `swift test`, such as --filter Planner.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need jq mariadb-server postgresql redis-server openssl python3 python3-venv
# Real workers of Python RQ: the current release, and the one Frappe 15 uses.
venv rq2 'rq<3'
venv rq1 'rq==1.16.2'
# A real SMTP server.
venv mail aiosmtpd

# One build for everything: the tests drive the same binaries that people run.
swift build -c release --build-tests
if [ $# -gt 0 ]; then
    swift test -c release --skip-build "$@"
else
    # Whole daemons and many programs by themselves, and so the simulated years and the spoilt input, which take all the cores
    # there are: beside them real workers and servers would starve.
    heavy='DaemonTests|ExecDispatcherTests'
    greedy='SimulationTests|FuzzTests'
    alone='EngineCostTests'
    swift test -c release --skip-build --skip "$heavy|$greedy|$alone"
    swift test -c release --skip-build --filter DaemonTests
    swift test -c release --skip-build --filter ExecDispatcherTests
    swift test -c release --skip-build --filter "$greedy"
    # Measures, so nothing goes beside it.
    swift test -c release --skip-build --filter "$alone"
fi

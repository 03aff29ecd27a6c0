#!/usr/bin/env bash
# Installs what the tests need and runs every test. Arguments go to `swift test`, such as --filter Planner.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need chromium chromium-driver curl fish jq mariadb-server pgbouncer postgresql prometheus rabbitmq-server redis-server openssl \
    python3 python3-pika python3-venv zsh
# Real workers of Python RQ: the current release, and the one Frappe 15 uses.
venv rq2 'rq<3'
venv rq1 'rq==1.16.2'
# What finds fault with an API's description, and with an API that is not as described.
venv api 'schemathesis<5' openapi-spec-validator
# A real SMTP server.
venv mail aiosmtpd
# A real server of MongoDB's protocol, which Debian has none of.
venv mongo 'SecantusDB==0.7.0b3'
# A real OpenID provider, and what drives the browser that logs in there.
venv oidc authlib flask selenium
# What looks whether a page is fit for everybody; of it only axe itself is used, and no other browser.
venv axe --no-deps axe-playwright-python==0.1.8
cp .build/venvs/axe/lib/python3*/site-packages/axe_playwright_python/axe.min.js .build/venvs/axe/axe.min.js

# Runs a part of the tests, within 20 minutes. Each test has a time limit of its own; what even that cannot end is killed by
# this one, and then the last lines show it: what was started and did not pass.
part() {
    swift test -c release --skip-build "$@" &
    local tests=$!
    (
        timeout "${PART_LIMIT:-1200}" tail --pid="$tests" -f /dev/null || {
            echo "the tests of '$*' do not end" >&2
            # Not the one that collects their output: it prints what it has when they are gone.
            pkill -KILL -P "$tests"
        }
    ) &
    wait "$tests"
}

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
    # Hundreds of connections to servers, of files and of databases. A process with some 1,350 descriptors crashes where it starts another one: Foundation's
    # Process reads past the end of what readdir(3) gave it of /proc/self/fd.
    connected='StoreTests|BusDispatcherTests|RQDispatcherTests'
    part --skip "$heavy|$greedy|$alone|$connected"
    part --filter "$connected" --skip MongoStoreTests
    # Its server is no fast one, and would starve the others.
    part --filter MongoStoreTests
    part --filter DaemonTests --skip 'MongoStoreDaemonTests|BrowserTests'
    part --filter MongoStoreDaemonTests
    # A browser takes a core for itself.
    part --filter BrowserTests
    part --filter ExecDispatcherTests
    part --filter "$greedy"
    # Measures, so nothing goes beside it.
    part --filter "$alone"
fi

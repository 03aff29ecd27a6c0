#!/usr/bin/env bash
# Runs the README's tour as it is printed, on a terminal of 80 columns and in a pipe: every command of its `console` blocks.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3

swift build -c release --product carillon
swift build -c release --product carillon-shim
PATH=$PWD/.build/release:$PATH python3 scripts/tour.py README.md

#!/usr/bin/env bash
# What questions cost: 100,000 jobs, a thousand runs a second, and the commands that people give meanwhile, five times each.
# Prints the seconds of each, and what all of it did to lateness. Takes some three minutes.
#   scripts/questions.sh [--jobs N]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3
jobs=100000
[ "${1:-}" = --jobs ] && jobs=${2:?--jobs needs a number}
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
exec python3 - "$bin" "$jobs" <<'PYTHON'
import json, os, shutil, subprocess, sys, tempfile, time

binary, jobs = os.path.abspath(sys.argv[1]), int(sys.argv[2])
busy, times = 1000, 5
folder = tempfile.mkdtemp(prefix="carillon-questions-")
place = ["--config", folder + "/carillon.toml", "--state-dir", folder + "/state"]
os.makedirs(folder + "/jobs.d")
with open(folder + "/carillon.toml", "w") as file:
    file.write('time_zone = "Europe/Berlin"\n[ledger]\nkeep_per_job = 100\n')
for first in range(0, jobs, 1000):
    with open(f"{folder}/jobs.d/jobs-{first:06d}.toml", "w") as file:
        for number in range(first, first + 1000):
            # A thousand of them are due every second, spread over it; the others once a day.
            when = (f'every = "1s"\nanchor = "1970-01-01T00:00:00.{number:03d}Z"' if number < busy
                    else f'cron = "{number % 60} {number // 60 % 24} * * *"')
            file.write(f'[[job]]\nname = "job-{number:06d}"\n{when}\ntags = ["t{number % 50}"]\nexec = ["true"]\n')

def ask(*words):
    """The seconds that a command takes, and what it prints."""
    began = time.monotonic()
    done = subprocess.run([binary, *words, *place], stdout=subprocess.PIPE)
    # 5: it runs, and something needs a look.
    if done.returncode not in (0, 5): raise SystemExit(f"carillon {' '.join(words)} ended with {done.returncode}")
    return time.monotonic() - began, done.stdout

def lateness(seconds):
    """The median of looks, in milliseconds: each is of the last 4,096 dispatches."""
    looks = []
    for _ in range(seconds // 4):
        time.sleep(4)
        looks.append(json.loads(ask("status", "--json")[1])["latenessP99Seconds"] * 1000)
    return sorted(looks)[len(looks) // 2]

questions = [
    *(["jobs", "list", "--limit", "50", *filter] for filter in (
        [], ["--sort", "next"], ["--tag", "t7"], ["--tag", "t7", "--sort", "next"], ["job-09*"], ["--state", "active"],
        ["--state", "failed"], ["--state", "disabled"], ["--state", "enabled", "--sort", "next"])),
    ["agenda"], ["agenda", "--tag", "t7", "--within", "7d"], ["status"], ["jobs", "list", "--json"],
]
log = open(folder + "/log", "a")
daemon = subprocess.Popen([binary, "serve", "--shadow", *place], stderr=log, stdout=log)
try:
    ask("status", "--wait", "60")
    print(f"{jobs:,} jobs, {busy:,} runs a second; settling", flush=True)
    time.sleep(20)
    before = lateness(20)
    print(f"lateness p99 before: {before:.1f} ms", flush=True)
    print(f"{'':57}median s  worst s   lines")
    during = []
    for words in questions:
        took, lines = [], 0
        for _ in range(times):
            seconds, text = ask(*words)
            took.append(seconds)
            lines = text.count(b"\n")
        during.append(json.loads(ask("status", "--json")[1])["latenessP99Seconds"] * 1000)
        print(f"carillon {' '.join(words):47} {sorted(took)[times // 2]:8.3f} {max(took):8.3f} {lines:7}", flush=True)
    print(f"lateness p99 during: {sorted(during)[len(during) // 2]:.1f} ms, worst look {max(during):.1f} ms")
finally:
    daemon.terminate()
    daemon.wait()
    shutil.rmtree(folder)
PYTHON

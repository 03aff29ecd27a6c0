#!/usr/bin/env bash
# Freezes a daemon (SIGSTOP) under jobs of every second with each catch-up and overlap policy, and checks that its ledger tells
# the truth about every time. With the usual lengths it takes some five minutes.
#   scripts/freeze.sh [SECONDS...]      default: 5 20 55 150
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon --product carillon-shim
exec python3 - "$bin" "${@:-}" <<'PYTHON'
import json, os, shutil, signal, subprocess, sys, tempfile, time
from datetime import datetime, timezone

binary = os.path.abspath(sys.argv[1])
lengths = [float(word) for word in sys.argv[2:] if word] or [5, 20, 55, 150]
catch_ups = {"skip": '"skip"', "latest": '"latest"', "all": "{ all = 6, rate = 100 }"}
overlaps = {"allow": '"allow"', "skip": '"skip"', "queue": "{ queue = 2 }", "replace": '"replace"'}
# What is active is active for a moment, or for longer than a second.
programs = {"short": '["true"]', "long": '["sleep", "2.5"]'}
folder = tempfile.mkdtemp(prefix="carillon-freeze-")
state = ["--config", folder + "/carillon.toml", "--state-dir", folder + "/state"]
os.makedirs(folder + "/jobs.d")
open(folder + "/carillon.toml", "w").write('time_zone = "UTC"\n')
jobs = {}
with open(folder + "/jobs.d/jobs.toml", "w") as file:
    for c, catch_up in catch_ups.items():
        for o, overlap in overlaps.items():
            for p, program in programs.items():
                if p == "long" and o in ("allow", "replace"):
                    continue
                jobs[f"{c}-{o}-{p}"] = (c, o, p)
                file.write(f'[[job]]\nname = "{c}-{o}-{p}"\nevery = "1s"\nexec = {program}\ncatch_up = {catch_up}\noverlap = {overlap}\n')

def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None

def runs(job):
    text = subprocess.run([binary, "runs", "list", *state, "--job", job, "--limit", "5000", "--json"], check=True,
                          capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]

faults = []
def check(job, frozen, thawed, begun, length):
    catch_up, overlap, program = jobs[job]
    rows = runs(job)
    ran = {round(instant(r["scheduledAt"])): r for r in rows if r["state"] != "skipped"}
    skips = [(round(instant(r["scheduledAt"])), round(instant(r["through"] or r["scheduledAt"])), r) for r in rows if r["state"] == "skipped"]
    def fault(text):
        faults.append(f"{length:.0f} s, {job}: {text}")
    due = [t for t in range(int(frozen) + 1, int(thawed) + 1)]
    for t in range(int(begun) + 1, int(thawed) + 3):
        covered = [r for a, b, r in skips if a <= t <= b]
        if (t in ran) + len(covered) != 1:
            fault(f"time {t - frozen:+.0f} s has {'a run' if t in ran else 'no run'} and {len(covered)} skips")
        for r in covered:
            if "still active" not in (r["reason"] or ""):
                continue
            # Something earlier ran at the time, or was waiting its turn.
            active = [x for u, x in ran.items() if u < t and (instant(x["endedAt"]) or 1e12) > t - 0.2 and instant(x["createdAt"]) <= instant(r["createdAt"])]
            if not active:
                fault(f"time {t - frozen:+.0f} s is called an overlap, and nothing was active")
    missed, newest = [t for t in due[:-1] if t in ran], due[-1]
    if program == "short":
        if newest not in ran:
            fault("the newest time did not run")
        elif ran[newest]["trigger"] != "schedule":
            fault(f"the newest time ran as {ran[newest]['trigger']}")
        wanted = {"skip": [], "latest": due[-2:-1], "all": due[-7:-1]}[catch_up]
        if missed != wanted:
            fault(f"of the missed times {[t - int(frozen) for t in missed]} ran, not {[t - int(frozen) for t in wanted]}")
        if any(ran[t]["trigger"] != "catchUp" for t in missed if t in ran):
            fault("a missed time ran, and not to catch up")
        for a, b, r in skips:
            if a <= due[0] <= b and "stood still" not in r["reason"]:
                fault(f"the gap's reason is: {r['reason']}")

log = open(folder + "/log", "w")
daemon = subprocess.Popen([binary, "serve", *state], stderr=log, stdout=log)
try:
    subprocess.run([binary, "status", *state, "--wait", "30"], check=True, stdout=subprocess.DEVNULL)
    begun = time.time() + 3
    for length in lengths:
        time.sleep(4)
        # In the middle of a second, so that nothing is due while the signal is on its way.
        time.sleep(1.5 - time.time() % 1)
        daemon.send_signal(signal.SIGSTOP)
        frozen = time.time()
        time.sleep(length - (time.time() + length) % 1 + 0.5)
        daemon.send_signal(signal.SIGCONT)
        thawed = time.time()
        time.sleep(6)
        for job in jobs:
            check(job, frozen, thawed, max(begun, frozen - 2), length)
        print(f"frozen for {thawed - frozen:.1f} s: {len(jobs)} jobs looked at, {len(faults)} faults so far", flush=True)
    said = open(folder + "/log").read().count("nothing was scheduled for a while")
    if said != len(lengths):
        faults.append(f"the log tells of {said} gaps, not of {len(lengths)}")
finally:
    daemon.send_signal(signal.SIGCONT)
    daemon.terminate()
    daemon.wait()
    if faults:
        shutil.copy(folder + "/log", "/tmp/carillon-freeze.log")
    shutil.rmtree(folder, ignore_errors=True)
for fault in faults:
    print(fault)
sys.exit(1 if faults else 0)
PYTHON

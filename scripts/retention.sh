#!/usr/bin/env bash
# Retention at size: a ledger of three million runs, a thousand more a second, a thousand kept per job. Prints how long it
# takes until the ledger is at its bound, what it did to lateness, and what became of the lease and of the disk. Takes some
# eight minutes.
#   scripts/retention.sh [--runs N]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need python3
runs=3000000
[ "${1:-}" = --runs ] && runs=${2:?--runs needs a number}
bin=${CARILLON:-.build/release/carillon}
[ -x "$bin" ] || swift build -c release --product carillon
exec python3 - "$bin" "$runs" <<'PYTHON'
import json, os, shutil, sqlite3, struct, subprocess, sys, tempfile, time

binary, runs = os.path.abspath(sys.argv[1]), int(sys.argv[2])
jobs, kept = 1000, 1000
folder = tempfile.mkdtemp(prefix="carillon-retention-")
state = folder + "/state"
os.makedirs(folder + "/jobs.d")
with open(folder + "/carillon.toml", "w") as file:
    file.write(f'time_zone = "UTC"\n[ledger]\nkeep_per_job = {kept}\n')
with open(folder + "/jobs.d/jobs.toml", "w") as file:
    for number in range(jobs):
        # Spread over the second, so that a thousand a second are due one by one.
        file.write(f'[[job]]\nname = "job-{number}"\nevery = "1s"\nanchor = "1970-01-01T00:00:00.{number:03d}Z"\nexec = ["true"]\n')

def start():
    log = open(folder + "/log", "a")
    daemon = subprocess.Popen(
        [binary, "serve", "--shadow", "--config", folder + "/carillon.toml", "--state-dir", state], stderr=log, stdout=log)
    subprocess.run([binary, "status", "--config", folder + "/carillon.toml", "--state-dir", state, "--wait", "60"],
                   check=True, stdout=subprocess.DEVNULL)
    return daemon

def status():
    text = subprocess.run(
        [binary, "status", "--json", "--config", folder + "/carillon.toml", "--state-dir", state], check=True,
        capture_output=True, text=True).stdout
    return json.loads(text)

def stop(daemon):
    daemon.terminate()
    daemon.wait()

def ask(sql):
    db = sqlite3.connect(f"file:{state}/carillon.db?mode=ro", uri=True, timeout=30)
    try:
        return db.execute(sql).fetchone()[0]
    finally:
        db.close()

def lateness(seconds):
    """Medians over looks: each is of the last 4,096 dispatches."""
    p99 = []
    for _ in range(seconds // 5):
        time.sleep(5)
        p99.append(status()["latenessP99Seconds"] * 1000)
    return sorted(p99)[len(p99) // 2], max(p99)

try:
    daemon = start()
    quiet, quietest = lateness(40)
    stop(daemon)
    print(f"lateness p99 with a small ledger: {quiet:.1f} ms (worst look {quietest:.1f})", flush=True)

    db = sqlite3.connect(state + "/carillon.db")
    db.execute("PRAGMA synchronous = OFF")
    ids = [row[0] for row in db.execute("SELECT id FROM jobs ORDER BY id")]
    oldest = db.execute("SELECT min(scheduled_at) FROM runs").fetchone()[0] // 1_000_000 * 1_000_000
    def rows():
        each = runs // jobs
        for second in range(each, 0, -1):
            at = oldest - second * 1_000_000
            for place, job in enumerate(ids):
                when = at + place * 1000
                yield (struct.pack(">IQ", when // 1_000_000, (job * 2654435761 + second) & (2**64 - 1)), job, when, when, when, when)
    db.executemany(
        "INSERT INTO runs (id, job_id, revision, trigger, scheduled_at, manual, not_before, state, attempt, created_at,"
        " dispatched_at, ended_at, instance, reason) VALUES (?, ?, 1, 'schedule', ?, 0, ?, 3, 1, ?, ?, ?, 'host',"
        " 'shadow: planned, not dispatched')",
        ((i, j, a, a, b, c, d) for i, j, a, b, c, d in rows()))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    size = os.path.getsize(state + "/carillon.db") >> 20
    print(f"filled: {ask('SELECT count(*) FROM runs'):,} runs, {size} MiB", flush=True)

    daemon = start()
    begun = time.monotonic()
    bound, reached, looks, lease = jobs * (kept + 120), None, [], []
    while time.monotonic() - begun < 330:
        time.sleep(5)
        count = ask("SELECT count(*) FROM runs")
        looks.append(status()["latenessP99Seconds"] * 1000)
        lease.append(ask("SELECT expires_at FROM leases") / 1e6 - time.time())
        print(f"{time.monotonic() - begun:4.0f} s: {count:,} runs, p99 {looks[-1]:.1f} ms, lease {lease[-1]:.0f} s,"
              f" {os.path.getsize(state + '/carillon.db') >> 20} MiB", flush=True)
        if reached is None and count <= bound:
            reached = time.monotonic() - begun
        if reached and time.monotonic() - begun > reached + 60:
            break
    median = sorted(looks)[len(looks) // 2]
    print(f"at its bound after {reached and round(reached)} s; lateness p99 {median:.1f} ms in the median look, {max(looks):.1f} in"
          f" the worst; moved by {median - quiet:+.1f} ms; lease never below {min(lease):.0f} s")
    stop(daemon)
    if reached is None or reached > 300 or median - quiet >= 3 or min(lease) <= 0:
        sys.exit("that is not what was promised")
finally:
    if daemon.poll() is None:
        stop(daemon)
    shutil.rmtree(folder, ignore_errors=True)
PYTHON

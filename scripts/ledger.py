"""See ledger.sh, which runs it."""
import argparse, os, shutil, sqlite3, statistics, subprocess, sys, tempfile, time
from postgres_rig import Postgres
from rig import Daemon

JOBS, TICKING = 2000, 1000
TIMES = 5
COMPLETED, FAILED = 3, 4

# One run a second for each ticking job, the newest a day ago: `n` counts them. One of fifty has failed.
ROWS = f"""
    INSERT INTO runs (id, job_id, revision, trigger, scheduled_at, manual, not_before, state, attempt, created_at,
        dispatched_at, started_at, ended_at, error)
    SELECT {{id}}, job, 1, 'schedule', at, 0, at, CASE WHEN n % 50 = 0 THEN {FAILED} ELSE {COMPLETED} END, 1, at,
        at + 1000, at + 2000, at + 3000, CASE WHEN n % 50 = 0 THEN 'exit code 1' END
    FROM (SELECT n, n % {TICKING} + 1 AS job, {{first}} + (n / {TICKING}) * 1000000 + (n % {TICKING}) * 1000 AS at
          FROM {{numbers}}) AS counted
"""


def definitions():
    for number in range(JOBS):
        # A thousand of them are due every second, spread over it; the others once a day.
        when = (f'every = "1s"\nanchor = "1970-01-01T00:00:00.{number:03d}Z"' if number < TICKING
                else f'cron = "{number % 60} {number // 60 % 24} * * *"')
        yield f'[[job]]\nname = "job-{number:04d}"\n{when}\nexec = ["true"]\n'


def fill_sqlite(folder, runs, first):
    db = sqlite3.connect(folder + "/state/carillon.db")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -500000")
    db.create_function("run_id", 2, lambda at, n: (at // 1_000_000).to_bytes(4, "big") + (n * 2654435761 % 2**64).to_bytes(8, "big"))
    for start in range(0, runs, 500_000):
        db.execute(ROWS.format(id="run_id(at, n)", first=first, numbers=f"(WITH RECURSIVE c(n) AS (SELECT {start} UNION ALL "
                   f"SELECT n + 1 FROM c WHERE n < {min(start + 500_000, runs) - 1}) SELECT n FROM c)"))
        db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def fill_postgres(server, runs, first):
    identity = "decode(lpad(to_hex(at / 1000000), 8, '0') || lpad(to_hex(n::bigint * 2654435761), 16, '0'), 'hex')"
    for start in range(0, runs, 1_000_000):
        server.run("psql", "-h", "127.0.0.1", "-p", str(server.port), "-U", "carillon", "-q", "-c", "SET synchronous_commit = off", "-c",
                   ROWS.format(id=identity, first=first, numbers=f"generate_series({start}::bigint, {min(start + 1_000_000, runs) - 1}) AS c (n)"))
    server.run("psql", "-h", "127.0.0.1", "-p", str(server.port), "-U", "carillon", "-q", "-c", "VACUUM ANALYZE")


def milliseconds(daemon, *words):
    """The median of what a command takes, with the start of its process."""
    took = []
    for _ in range(TIMES):
        began = time.monotonic()
        subprocess.run([daemon.binary, *words, *daemon.place], env=daemon.environment, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        took.append((time.monotonic() - began) * 1000)
    return statistics.median(took)


def lateness(daemon, looks):
    """The medians and the worst of looks, in milliseconds: each is of the last 4,096 dispatches."""
    p99 = []
    for _ in range(looks):
        time.sleep(5)
        p99.append(daemon.status()["latenessP99Seconds"] * 1000)
    return statistics.median(p99), max(p99)


def settings(url, kept):
    return f'time_zone = "UTC"\n{url}[ledger]\nkeep_per_job = {kept}\nkeep = "3650d"\n'


def serve(daemon):
    began = time.monotonic()
    daemon.start()
    daemon.ask("status", "--wait", "120")
    return time.monotonic() - began


def stop(daemon):
    daemon.process.terminate()
    daemon.process.wait()


def measure(kind, binary, runs, folder):
    server, url = None, ""
    if kind == "postgres":
        server = Postgres(folder)
        server.start()
        server.ready()
        url = f'[store]\nurl = "{server.database()}"\n'
    kept = runs // TICKING + 100_000
    daemon = Daemon(binary, folder, settings(url, kept))
    daemon.words.append("--shadow")
    try:
        daemon.give("jobs", definitions())
        print(f"{kind}: started after {serve(daemon):.1f} s with an empty ledger", flush=True)
        quiet, worst = lateness(daemon, 8)
        print(f"{kind}: lateness p99 {quiet:.1f} ms in the median look, {worst:.1f} in the worst", flush=True)
        stop(daemon)
        began = time.monotonic()
        first = (int(time.time()) - 86_400 - runs // TICKING) * 1_000_000
        fill_postgres(server, runs, first) if server else fill_sqlite(folder, runs, first)
        # What the filling left in memory would be written while the daemon is looked at.
        os.sync()
        print(f"{kind}: {runs:,} runs put in after {time.monotonic() - began:.0f} s", flush=True)
        print(f"{kind}: started after {serve(daemon):.1f} s", flush=True)
        loaded, worst = lateness(daemon, 8)
        print(f"{kind}: lateness p99 {loaded:.1f} ms in the median look, {worst:.1f} in the worst", flush=True)
        for words in (["status"], ["jobs", "list", "--limit", "50"], ["runs", "list"], ["runs", "list", "--job", "job-0007"],
                      ["runs", "list", "--state", "failed"], ["why", "job-0007"], ["jobs", "show", "job-0007"], ["agenda"]):
            print(f"{kind}: {milliseconds(daemon, *words):7.1f} ms  carillon {' '.join(words)}", flush=True)
        # Every job forgets a tenth of what it has.
        with open(folder + "/carillon.toml", "w") as file:
            file.write(settings(url, runs // TICKING * 9 // 10))
        daemon.ask("reload")
        pruned, worst = lateness(daemon, 60)
        print(f"{kind}: lateness p99 while retention removes a tenth: {pruned:.1f} ms in the median look, {worst:.1f} in the "
              f"worst", flush=True)
    finally:
        if daemon.process and daemon.process.poll() is None: stop(daemon)
        if server: server.kill()


parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("stores", nargs="*", default=["sqlite", "postgres"])
parser.add_argument("--runs", type=int, default=10_000_000)
options = parser.parse_intermixed_args()
for kind in options.stores:
    folder = tempfile.mkdtemp(prefix="carillon-ledger-")
    try:
        measure(kind, options.binary, options.runs, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""Ledgers at size, and how late runs are on them: for the scripts beside it."""
import sqlite3, statistics, time

COMPLETED, FAILED = 5, 4
TICKING = 1000

# Finished runs, one a millisecond: `n` counts them, from the first time on. One of fifty has failed.
ROWS = f"""
    INSERT INTO runs (id, job_id, revision, trigger, scheduled_at, manual, not_before, state, attempt, created_at,
        dispatched_at, started_at, ended_at, error)
    SELECT {{id}}, job, 1, 'schedule', at, 0, at, CASE WHEN n % 50 = 0 THEN {FAILED} ELSE {COMPLETED} END, 1, at,
        at + 1000, at + 2000, at + 3000, CASE WHEN n % 50 = 0 THEN 'exit code 1' END
    FROM (SELECT n, {{job}} AS job, {{first}} + n * 1000 AS at FROM {{numbers}}) AS counted
"""


def ticking(number, target='exec = ["true"]'):
    """One of a thousand jobs that are due every second, spread over it."""
    return (f'[[job]]\nname = "job-{number:04d}"\nevery = "1s"\nanchor = "1970-01-01T00:00:00.{number:03d}Z"\n{target}\n')


def first_time(runs):
    """When the first of so many runs was, in microseconds, if the last was a day ago."""
    return (int(time.time()) - 86_400 - runs // 1000) * 1_000_000


def numbers(start, end):
    return f"(WITH RECURSIVE c(n) AS (SELECT {start} UNION ALL SELECT n + 1 FROM c WHERE n < {end - 1}) SELECT n FROM c)"


class Filling:
    """The SQLite ledger of a daemon that does not run."""

    def __init__(self, folder):
        self.db = sqlite3.connect(folder + "/state/carillon.db")

    def __enter__(self):
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("PRAGMA cache_size = -500000")
        self.db.create_function(
            "run_id", 2, lambda at, n: (at // 1_000_000).to_bytes(4, "big") + (n * 2654435761 % 2**64).to_bytes(8, "big"))
        return self

    def __exit__(self, *_):
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.close()

    def runs(self, count, first, job):
        """Puts in finished runs; `job` says in SQL whose the run with number `n` is."""
        for start in range(0, count, 500_000):
            self.db.execute(ROWS.format(id="run_id(at, n)", first=first, job=job,
                                        numbers=numbers(start, min(start + 500_000, count))))
            self.db.commit()

    def copies(self, name, count, prefix):
        """Puts in jobs that are as the one of this name, and answers the number of the first: prefix0000000 and so on."""
        known, = self.db.execute("SELECT id FROM jobs WHERE name = ?", [name]).fetchone()
        first = self.db.execute("SELECT max(id) + 1 FROM jobs").fetchone()[0]

        def columns(table, *but):
            return ", ".join(row[1] for row in self.db.execute(f"PRAGMA table_info({table})") if row[1] not in but)
        for start in range(0, count, 500_000):
            counted = numbers(start, min(start + 500_000, count))
            jobs, cursors = columns("jobs", "id", "name"), columns("cursors", "job_id")
            self.db.execute(f"INSERT INTO jobs (id, name, {jobs}) SELECT {first} + n, printf('{prefix}%07d', n), {jobs} "
                            f"FROM {counted}, jobs WHERE jobs.id = {known}")
            self.db.execute("INSERT INTO job_parts (rowid, name) SELECT id, name FROM jobs WHERE id >= ?", [first + start])
            self.db.execute(f"INSERT INTO cursors (job_id, {cursors}) SELECT {first} + n, {cursors} "
                            f"FROM {counted}, cursors WHERE job_id = {known}")
            self.db.commit()
        return first


def lateness(daemon, looks):
    """The medians and the worst of looks, in milliseconds: each is of the last 4,096 dispatches."""
    p99 = []
    for _ in range(looks):
        time.sleep(5)
        p99.append(daemon.status()["latenessP99Seconds"] * 1000)
    return statistics.median(p99), max(p99)


def serve(daemon):
    """Starts a daemon, and answers after how many seconds it is ready."""
    began = time.monotonic()
    daemon.start()
    daemon.ask("status", "--wait", "120")
    return time.monotonic() - began


def stop(daemon):
    daemon.process.terminate()
    daemon.process.wait()

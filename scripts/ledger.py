"""See ledger.sh, which runs it."""
import argparse, os, shutil, statistics, subprocess, tempfile, time
from ledger_rig import ROWS, TICKING, Filling, first_time, lateness, serve, stop, ticking
from postgres_rig import Postgres
from rig import Daemon

JOBS = 2000
TIMES = 5
WHOSE = f"n % {TICKING} + 1"


def definitions():
    for number in range(JOBS):
        # The others are due once a day.
        yield (ticking(number) if number < TICKING else
               f'[[job]]\nname = "job-{number:04d}"\ncron = "{number % 60} {number // 60 % 24} * * *"\nexec = ["true"]\n')


def fill_sqlite(folder, runs, first):
    with Filling(folder) as filling: filling.runs(runs, first, WHOSE)


def fill_postgres(server, runs, first):
    identity = "decode(lpad(to_hex(at / 1000000), 8, '0') || lpad(to_hex(n::bigint * 2654435761), 16, '0'), 'hex')"
    for start in range(0, runs, 1_000_000):
        numbers = f"generate_series({start}::bigint, {min(start + 1_000_000, runs) - 1}) AS c (n)"
        server.run("psql", "-h", "127.0.0.1", "-p", str(server.port), "-U", "carillon", "-q", "-c", "SET synchronous_commit = off",
                   "-c",
                   ROWS.format(id=identity, first=first, job=WHOSE, numbers=numbers))
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


def settings(url, kept):
    return f'time_zone = "UTC"\n{url}[ledger]\nkeep_per_job = {kept}\nkeep = "3650d"\n'


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
        first = first_time(runs)
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

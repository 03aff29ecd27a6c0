"""See store-kills.sh, which runs it."""
import argparse, collections, json, random, shutil, signal, sys, tempfile, time
from instances_rig import Proxy, Redis, instant, text
from postgres_rig import Postgres
from rig import Daemon

JOBS = 200
PATIENCE = 120
names = [f"job-{number:03d}" for number in range(JOBS)]


def definition(name, first, last):
    return (f'[[job]]\nname = "{name}"\nevery = "1s"\nstarts_at = {text(first)}\nends_at = {text(last)}\ncatch_up = "all"\n'
            f'overlap = "allow"\nrq = {{ queue = "pay", function = "bank.pay" }}\n')


def disturb(daemon, postgres, proxy, chance, first, seconds):
    """Kills and holds back, at random moments, one thing at a time; answers how often what."""
    events = ["daemon"] * 20 + ["server killed"] * 3 + ["server restarted"] * 2 + ["held back"]
    chance.shuffle(events)
    done = collections.Counter()
    for number, event in enumerate(events):
        moment = first + (number + chance.uniform(0, 0.5)) * seconds / len(events)
        time.sleep(max(0, moment - time.time()))
        if event == "daemon":
            daemon.kill()
            time.sleep(chance.uniform(0, 1))
            daemon.start()
        elif event == "server killed":
            postgres.kill()
            time.sleep(chance.uniform(0, 2))
            postgres.start()
            postgres.ready()
        elif event == "server restarted":
            postgres.restart()
            postgres.ready()
        else:
            proxy.holds.set()
            time.sleep(2)
            # What it had sent arrives after its death.
            daemon.kill()
            daemon.start()
            time.sleep(3)
            proxy.holds.clear()
        done[event] += 1
    return done


def settle(daemon, last):
    """Waits until every time is past and every run is out."""
    end = max(last, time.time()) + PATIENCE
    daemon.ask("status", "--wait", "60")
    while time.time() < end:
        time.sleep(2)
        status = daemon.status()
        if time.time() > last + 2 and status["due"] == 0 and status["nextDue"] is None: break
    time.sleep(3)


def faults(runs, skipped, queued, first, last):
    seen = collections.Counter((run["job"], instant(run["scheduledAt"])) for run in runs)
    due = {(name, at) for name in names for at in range(first, last + 1)}
    for name, at in sorted(due | set(seen)):
        if (name, at) not in due: yield f"{name} has a run for {text(at)}, which is none of its times"
        elif seen[name, at] != 1: yield f"{name} has {seen[name, at]} runs for {text(at)}"
    for stretch in skipped: yield f"{stretch['job']} has skipped {stretch['scheduledAt']}: {stretch['skipReason']}"
    ids = collections.Counter(queued)
    known = {run["id"] for run in runs}
    for run in runs:
        if ids[run["id"]] != 1: yield f"run {run['id']} of {run['job']} is {ids[run['id']]} times in Redis"
    for id in ids:
        if id not in known: yield f"{id} is in Redis, and no run of the ledger"


parser = argparse.ArgumentParser(prog="store-kills.sh")
parser.add_argument("binary")
parser.add_argument("--for", type=int, default=150, dest="seconds")
parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
options = parser.parse_args()
if options.seconds < 60: parser.error("--for needs 60 or more")
print(f"seed {options.seed}", flush=True)
signal.signal(signal.SIGTERM, signal.default_int_handler)
folder = tempfile.mkdtemp(prefix="carillon-store-")
postgres, redis = Postgres(folder), Redis(folder)
proxy = Proxy(postgres.port)
daemon = Daemon(options.binary, folder, f"""
[store]
url = "postgres://carillon@127.0.0.1:{proxy.port}/carillon?sslmode=disable"
[redis]
url = "redis://127.0.0.1:{redis.port}/0"
[ledger]
keep_per_job = 1000000
""")
servers = [daemon, postgres, redis]
try:
    proxy.start()
    for server in postgres, redis: server.start()
    postgres.ready()
    postgres.database()
    first = int(time.time()) + 6
    last = first + options.seconds
    daemon.give("load", [definition(name, first, last) for name in names])
    daemon.start()
    done = disturb(daemon, postgres, proxy, random.Random(options.seed), first, options.seconds)
    settle(daemon, last)
    rows = [json.loads(line) for line in
            daemon.ask("runs", "list", "--json", "--limit", "1000000", "--client-timeout", "60s").splitlines()]
    queued = redis.ask("LRANGE", "rq:queue:pay", "0", "-1").split()
finally:
    for server in servers: server.kill()
runs = [row for row in rows if row["state"] != "skipped"]
late = [instant(run["dispatchedAt"]) - instant(run["scheduledAt"]) for run in runs if run["dispatchedAt"]]
print(f"runs: {len(runs):,}; in Redis: {len(queued):,}")
print("done: " + ", ".join(f"{what} {count}" for what, count in sorted(done.items())))
print(f"longest from due to dispatched: {max(late, default=0):.1f} s")
found = list(faults(runs, [row for row in rows if row["state"] == "skipped"], queued, first, last))
for fault in found[:10]: print(fault)
if found:
    print(f"its files are left in {folder}")
    sys.exit(f"{len(found)} faults: that is not what was promised")
shutil.rmtree(folder)

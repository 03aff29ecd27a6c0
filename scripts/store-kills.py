"""See store-kills.sh, which runs it."""
import argparse, collections, datetime, json, random, selectors, shutil, signal, socket, subprocess, sys, tempfile
import threading, time
from postgres_rig import Postgres
from rig import Daemon, Server, free_port

JOBS = 200
PATIENCE = 120
names = [f"job-{number:03d}" for number in range(JOBS)]


def text(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Proxy(threading.Thread):
    """Between a client and a server; holds back what both say as long as it is told to, and delivers it then."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.holds = target, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.pump, args=(client,), daemon=True).start()

    def pump(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            return client.close()
        ends = {client: server, server: client}
        with selectors.DefaultSelector() as both, client, server:
            for end in ends: both.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in both.select():
                    try:
                        data = key.fileobj.recv(1 << 16)
                        # Whoever sent it may be gone by the time it arrives.
                        while self.holds.is_set(): time.sleep(0.05)
                        if not data: return
                        ends[key.fileobj].sendall(data)
                    except OSError:
                        return


class Redis(Server):
    def __init__(self, folder):
        self.port = free_port()
        super().__init__(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", folder],
                         None, folder + "/redis.log")

    def ask(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port), *words], check=True, stdout=subprocess.PIPE, text=True).stdout


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

"""See instances.sh, which runs it."""
import argparse, collections, json, os, random, shutil, signal, subprocess, sys, tempfile, threading, time
from mongo_rig import Mongo
from postgres_rig import Postgres
from instances_rig import Instance, Redis, instant, text

STORES = {"postgres": Postgres, "mongodb": Mongo}
# Runs a second, of which the server of MongoDB's protocol, written in Python, carries few.
RATES = {"postgres": {"kills": 400, "programs": 50, "takeover": 80, "rolling": 400},
         "mongodb": {"kills": 20, "programs": 10, "takeover": 20, "rolling": 20}}
PAUSE = {"postgres": 0.1, "mongodb": 2}
PATIENCE = 180
LEASE = 3


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0


def rq(number, first, last, step):
    """A job of each `step` seconds; they come due in turn."""
    return (f'[[job]]\nname = "job-{number:05d}"\nevery = "{step}s"\nanchor = {text(first + number % step - step)}\n'
            f'starts_at = {text(first + number % step)}\n'
            f'ends_at = {text(last)}\ncatch_up = "all"\noverlap = "allow"\n'
            f'rq = {{ queue = "pay", function = "bank.pay" }}\n')


def wait(what, seconds, is_so):
    """Looks seldom: to look is work for the store, too."""
    end = time.time() + seconds
    while not is_so():
        if time.time() > end: sys.exit(f"not within {seconds} s: {what}")
        time.sleep(PAUSE[options.store])


def in_force(instance):
    return [one for one in instance.instances() if one["state"] == "inForce"]


def is_level(instance, count):
    """Whether so many share evenly."""
    shares = [one["shares"] for one in in_force(instance)]
    return len(shares) == count and sum(shares) == 4096 and max(shares) - min(shares) <= 1


class Rig:
    def __init__(self, options, count, settings="", instance="", top="", redis=True, environments={}):
        self.folder = tempfile.mkdtemp(prefix="carillon-instances-")
        # Only this one's server is killed.
        durable = {"is_durable": options.command == "kills"} if options.store == "mongodb" else {}
        self.store = STORES[options.store](self.folder, **durable)
        # The server of the tests is no fast one.
        if options.store == "mongodb" and "lease" not in instance: instance += f'lease = "{options.lease}s"\n'
        self.redis = Redis(self.folder) if redis else None
        if redis: settings += f'[redis]\nurl = "redis://127.0.0.1:{self.redis.port}/0"\n'
        settings += "[ledger]\nkeep_per_job = 1000000\n"
        self.instances = []
        for number in range(count):
            name = f"i{number:02d}"
            table = f'[instance]\nname = "{name}"\n{instance}\n'
            self.instances.append(Instance(options.binary, self.folder, name, self.store, table + settings,
                                           environments.get(number, {}), top))

    def __enter__(self):
        for server in filter(None, [self.store, self.redis]): server.start()
        self.store.ready()
        self.store.database()
        return self

    def __exit__(self, kind, *_):
        for instance in self.instances:
            if instance.process and instance.process.poll() is None:
                try:
                    instance.signal(signal.SIGCONT)
                except ProcessLookupError:
                    pass
            instance.proxy.holds.clear()
            instance.kill()
        for server in filter(None, [self.redis, self.store]): server.kill()
        if kind: print(f"its files are left in {self.folder}")
        else: shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        for instance in self.instances: instance.start()
        for instance in self.instances: instance.ask("status", "--wait", "60")

    def stop(self):
        """Ends all that run in order, one after the other."""
        for instance in self.instances:
            if instance.process.poll() is not None: continue
            code = instance.stop()
            if code != 0: sys.exit(f"{instance.name} ended with {code}")


def settle(instance, last):
    """Waits until every time is past and every run is out."""
    end = max(last, time.time()) + PATIENCE
    while time.time() < end:
        time.sleep(2)
        active = instance.ask("runs", "list", "--json", "--limit", "5", "--state", "pending")
        waiting = [run for run in map(json.loads, active.splitlines()) if not run.get("dispatchedAt")]
        due = json.loads(instance.ask("jobs", "list", "--json", "--limit", "1", "--sort", "next") or "{}").get("nextDue")
        if time.time() > last + 2 and not waiting and due is None: break
    time.sleep(5)


def matched(runs, queued, due):
    """What is wrong, from both sides."""
    seen = collections.Counter((run["job"], instant(run["scheduledAt"])) for run in runs if run["state"] != "skipped")
    for name, at in sorted(due | set(seen)):
        if (name, at) not in due: yield f"{name} has a run for {text(at)}, which is none of its times"
        elif seen[name, at] != 1: yield f"{name} has {seen[name, at]} runs for {text(at)}"
    for run in runs:
        if run["state"] == "skipped": yield f"{run['job']} has skipped {run['scheduledAt']}: {run['skipReason']}"
    if queued is None: return
    ids = collections.Counter(queued)
    known = {run["id"] for run in runs}
    for run in runs:
        if run["state"] != "skipped" and ids[run["id"]] != 1:
            yield f"run {run['id']} of {run['job']} is {ids[run['id']]} times in Redis"
    for id in ids:
        if id not in known: yield f"{id} is in Redis, and no run of the ledger"


def verdict(found):
    found = list(found)
    for fault in found[:10]: print(fault)
    if found: sys.exit(f"{len(found)} faults: that is not what was promised")


# MARK: Kills


def kills(options):
    count, step, jobs = options.instances, 5, 5 * options.rate
    chance = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    with Rig(options, count) as rig:
        first = int(time.time()) + 12
        last = first + options.seconds
        rig.instances[0].give("load", [rq(number, first, last, step) for number in range(jobs)])
        rig.start()
        wait("they share", 60, lambda: is_level(rig.instances[0], count))
        time.sleep(max(0, first - time.time()))
        done = collections.Counter()
        busy = {}

        def later(instance, seconds, action):
            busy[instance.name] = time.time() + seconds
            threading.Timer(seconds, action).start()

        restart = first + options.seconds / 2
        while time.time() < last:
            free = [one for one in rig.instances if busy.get(one.name, 0) < time.time()]
            chance.shuffle(free)
            if free:
                one = free.pop()
                one.kill()
                done["killed"] += 1
                later(one, chance.uniform(0, 3), one.start)
            if len(free) > 1:
                one = free.pop()
                one.signal(signal.SIGSTOP)
                done["stopped"] += 1
                later(one, 3 * LEASE, lambda one=one: one.signal(signal.SIGCONT))
            if len(free) > 1:
                one = free.pop()
                one.proxy.holds.set()
                done["cut"] += 1
                later(one, 10, one.proxy.holds.clear)
            if restart and time.time() > restart:
                rig.store.restart()
                rig.store.ready()
                restart = None
                done["store restarted"] += 1
            time.sleep(5)
        time.sleep(12)
        for one in rig.instances:
            if one.process.poll() is not None: sys.exit(f"{one.name} ended by itself with {one.process.returncode}")
        asked = rig.instances[0]
        settle(asked, last)
        runs = asked.runs()
        queued = rig.redis.ask("LRANGE", "rq:queue:pay", "0", "-1").split()
        rig.stop()
        late = [instant(run["dispatchedAt"]) - instant(run["scheduledAt"]) for run in runs if run.get("dispatchedAt")]
        print(f"{count} instances; runs: {len(runs):,}; in Redis: {len(queued):,}")
        print("done: " + ", ".join(f"{what} {number}" for what, number in sorted(done.items())))
        print("by instance: " + ", ".join(
            f"{name} {number:,}" for name, number in sorted(collections.Counter(r["instance"] for r in runs).items())))
        print(f"from due to dispatched: p50 {percentile(late, 0.5) * 1000:.0f} ms, p99 {percentile(late, 0.99):.1f} s, "
              f"longest {max(late, default=0):.1f} s")
        due = {(f"job-{number:05d}", at) for number in range(jobs) for at in range(first + number % step, last + 1, step)}
        verdict(matched(runs, queued, due))


# MARK: Programs


def programs(options):
    """Each program adds a line to one file, so each start is counted by itself."""
    chance = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    step, jobs = 2, 2 * options.rate
    with Rig(options, 3, settings='[exec]\nlost_after = "8s"\n', redis=False) as rig:
        counted = rig.folder + "/counted"
        open(counted, "w").close()
        first = int(time.time()) + 12
        last = first + options.seconds
        # Some end at once, others last.
        rig.instances[0].give("load", [
            f'[[job]]\nname = "job-{number:05d}"\nevery = "{step}s"\nanchor = {text(first + number % step - step)}\n'
            f'starts_at = {text(first + number % step)}\nends_at = {text(last)}\ncatch_up = "all"\noverlap = "allow"\n'
            f'shell = "echo $CARILLON_RUN_ID $CARILLON_ATTEMPT >> {counted}; exec sleep {number % 20 // 17 * 3}"\n'
            for number in range(jobs)])
        rig.start()
        wait("they share", 60, lambda: is_level(rig.instances[0], 3))
        time.sleep(max(0, first - time.time()))
        done = collections.Counter()
        dead = None
        while time.time() < last:
            up = [one for one in rig.instances if one is not dead]
            one = chance.choice(up)
            if dead and time.time() > dead.back:
                dead.start()
                dead = None
            elif dead is None and done["killed"] % 4 == 3:
                # The machine is gone, with all that it ran.
                one.kill()
                subprocess.run(["pkill", "-KILL", "-f", f"{one.folder}/state"])
                one.back = time.time() + 20
                dead = one
                done["machine gone"] += 1
                done["killed"] += 1
            else:
                one.kill()
                time.sleep(chance.uniform(0, 2))
                one.start()
                done["killed"] += 1
            time.sleep(3)
        if dead: dead.start()
        time.sleep(15)
        settle(rig.instances[0], last)
        wait("all have ended", 60, lambda: not rig.instances[0].ask("runs", "list", "--json", "--state", "running").strip())
        runs = rig.instances[0].runs()
        rig.stop()
        with open(counted) as lines: starts = collections.Counter(line.split()[0] for line in lines)
        states = collections.Counter(run["state"] for run in runs)
        again = sum(run["attempt"] > 1 for run in runs)
        print(f"3 instances; runs: {len(runs):,}; starts: {sum(starts.values()):,}")
        print("done: " + ", ".join(f"{what} {number}" for what, number in sorted(done.items())))
        print("ended: " + ", ".join(f"{state} {number:,}" for state, number in sorted(states.items())))
        print(f"marked, never started and sent out again: {again}")
        found = [f"run {run['id']} was started {starts[run['id']]} times" for run in runs if starts[run["id"]] > 1]
        found += [f"run {run['id']} completed and was never started" for run in runs
                  if run["state"] == "completed" and not starts[run["id"]]]
        found += [f"run {run['id']} failed: {run['error']}" for run in runs
                  if run["state"] == "failed" and "outcome unknown" not in (run["error"] or "")]
        found += [f"run {run['id']} is {run['state']}" for run in runs if run["state"] not in ("completed", "failed")]
        due = {(f"job-{number:05d}", at) for number in range(jobs) for at in range(first + number % step, last + 1, step)}
        verdict(found + list(matched(runs, None, due)))


# MARK: Taking over


def ticking(rate):
    """Jobs of each tenth of a second, or of a fifth where there would be fewer than two: what is late tells for how long
    nobody was there."""
    count = max(2, rate // 10)
    return [f'[[job]]\nname = "tick-{number}"\nevery = "{1000 * count // rate}ms"\ncatch_up = "all"\noverlap = "allow"\n'
            f'exec = ["/bin/true"]\n' for number in range(count)]


def longest(instance, since):
    """The longest from due to dispatched, of times from then on."""
    runs = [json.loads(line) for line in instance.ask(
        "runs", "list", "--json", "--since", text(int(since) - 1), "--limit", "100000").splitlines()]
    late = [instant(run["dispatchedAt"]) - instant(run["scheduledAt"]) for run in runs
            if run.get("dispatchedAt") and instant(run["scheduledAt"]) >= since]
    return max(late, default=0)


def takeover(options):
    fast = 'lease = "800ms"\nheartbeat = "150ms"' if options.fast else ""
    with Rig(options, 2, instance=fast, redis=False) as rig:
        for one in rig.instances: one.give("load", ticking(options.rate))
        rig.start()
        for kind in "SIGKILL", "SIGTERM":
            times = []
            for number in range(options.times):
                gone, stays = rig.instances[number % 2], rig.instances[1 - number % 2]
                wait("they share", 60, lambda: is_level(stays, 2))
                time.sleep(1)
                since = time.time()
                if kind == "SIGKILL": gone.kill()
                elif gone.stop() != 0: sys.exit("it did not end in order")
                wait("the other has all", 30, lambda: [one["shares"] for one in in_force(stays)] == [4096])
                time.sleep(1)
                times.append(longest(stays, since))
                gone.start()
            print(f"{kind}, {len(times)} times{', fast' if options.fast else ''}: longest from due to dispatched "
                  f"p50 {percentile(times, 0.5):.2f} s, max {max(times):.2f} s", flush=True)
        wait("they share", 60, lambda: is_level(rig.instances[0], 2))
        rig.stop()


def rolling(options):
    step, jobs = 5, 5 * options.rate
    with Rig(options, 4) as rig:
        first = int(time.time()) + 12
        last = first + 100
        for one in rig.instances: one.give("load", [rq(number, first, last, step) for number in range(jobs)])
        rig.start()
        wait("they share", 60, lambda: is_level(rig.instances[0], 4))
        time.sleep(max(0, first + 5 - time.time()))
        for one in rig.instances:
            other = rig.instances[0] if one is not rig.instances[0] else rig.instances[1]
            if one.stop() != 0: sys.exit(f"{one.name} did not end in order")
            one.start()
            wait("they share", 60, lambda: is_level(other, 4))
        settle(rig.instances[0], last)
        runs = rig.instances[0].runs()
        queued = rig.redis.ask("LRANGE", "rq:queue:pay", "0", "-1").split()
        late = [instant(run["dispatchedAt"]) - instant(run["scheduledAt"]) for run in runs if run.get("dispatchedAt")]
        print(f"4 instances, each restarted; runs: {len(runs):,}; from due to dispatched: p50 "
              f"{percentile(late, 0.5) * 1000:.0f} ms, p99 {percentile(late, 0.99) * 1000:.0f} ms, "
              f"longest {max(late) * 1000:.0f} ms")
        rig.stop()
        due = {(f"job-{number:05d}", at) for number in range(jobs) for at in range(first + number % step, last + 1, step)}
        verdict(matched(runs, queued, due))


# MARK: Clocks


def clocks(options):
    """One is 30 s ahead, one an hour behind, and then the store's own clock steps by ten minutes."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")
    jobs, step = 200, 5
    with tempfile.TemporaryDirectory() as folder:
        library = folder + "/clock.so"
        os.chmod(folder, 0o711)
        subprocess.run(["clang", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
        shifted = lambda seconds: {"LD_PRELOAD": library, "CLOCK_SHIFT": str(seconds)}
        with Rig(options, 3, environments={1: shifted(30), 2: shifted(-3600)}) as rig:
            first = int(time.time()) + 12
            last = first + 60
            rig.instances[0].give("load", [rq(number, first, last, step) for number in range(jobs)])
            rig.start()
            time.sleep(max(0, first + 20 - time.time()))
            said = json.loads(rig.instances[0].ask("status", "--json"))["troubles"]
            for words in said: print("status: " + words)
            shares = {one["name"]: one["shares"] for one in in_force(rig.instances[0])}
            print("shares: " + ", ".join(f"{name} {count}" for name, count in sorted(shares.items())))
            # The store's server comes back with another time; now all others seem wrong, and all alike.
            rig.store.environment = {**os.environ, **shifted(600)}
            rig.store.restart()
            rig.store.ready()
            settle(rig.instances[0], last)
            later = json.loads(rig.instances[0].ask("status", "--json"))["troubles"]
            for words in later: print("status, after the store's clock has stepped: " + words)
            runs = rig.instances[0].runs()
            queued = rig.redis.ask("LRANGE", "rq:queue:pay", "0", "-1").split()
            rig.stop()
            due = {(f"job-{number:05d}", at) for number in range(jobs)
                   for at in range(first + number % step, last + 1, step)}
            print(f"runs: {len(runs):,}; in Redis: {len(queued):,}")
            if not any("i01" in words and "30" in words for words in said): sys.exit("status does not say it of i01")
            if not any("i02" in words for words in said): sys.exit("status does not say it of i02")
            verdict(matched(runs, queued, due))


# MARK: Shares


def shards(rig):
    """Who has each share, as the store has it."""
    lines = rig.store.query("SELECT shard, holder FROM shards WHERE label IS NULL ORDER BY shard")
    return dict(line.split("|") for line in lines)


def spread(options):
    with Rig(options, 4, top="jobs_file_limit = 1000000000\n", redis=False) as rig:
        rig.instances[0].give("load", [
            f'[[job]]\nname = "job-{number:07d}"\nevery = "30d"\nshell = "true"\n' for number in range(options.jobs)])
        rig.start()
        wait("they share", 120, lambda: is_level(rig.instances[0], 4))
        known = in_force(rig.instances[0])
        print("each: " + ", ".join(f"{one['shares']} shares, {one['jobs']:,} jobs" for one in known))
        before = shards(rig)
        gone = next(str(one["number"]) for one in known if one["name"] == "i03")
        rig.instances[3].kill()
        wait("the others have its part", 60, lambda: is_level(rig.instances[0], 3))
        after = shards(rig)
        moved = [shard for shard in before if before[shard] != after[shard]]
        others = [shard for shard in moved if before[shard] != gone]
        print(f"after one was killed: {len(moved)} shares moved, {len(others)} of them were another's")
        if others: sys.exit("more moved than had to")
        rig.stop()


def beats(options):
    """Many idle members, as what they ask of the store: beats, and looks of those who watch and of those who do not."""
    with Rig(options, 0, redis=False) as rig:
        single = Instance(options.binary, rig.folder, "real", rig.store, '[instance]\nname = "real"\n')
        rig.instances.append(single)
        single.start()
        single.ask("status", "--wait", "60")
        if single.stop() != 0: sys.exit("it did not end in order")
        rig.store.query(f"""
            INSERT INTO instances (number, id, facts) SELECT n, 'fake' || n, '{{"id": "fake", "lease": 3000000}}'
                FROM generate_series(1001, 1000 + {options.members}) n;
            INSERT INTO terms SELECT n, n, n FROM generate_series(1001, 1000 + {options.members}) n;
            INSERT INTO beats (instance, term, nonce, beat) SELECT n, n, n, 0 FROM generate_series(1001, 1000 + {options.members}) n;
            UPDATE shards SET holder = 1001 + shard % {options.members}""")
        beat = rig.folder + "/beat.sql"
        with open(beat, "w") as file: file.write(f"""\\set n random(1001, {1000 + options.members})
WITH quickly AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE beats SET beat = greatest(beat, beat + 1), seen_at = clock_timestamp() FROM quickly
WHERE instance = :n AND term = :n AND nonce = :n;
""")
        look = rig.folder + "/look.sql"
        with open(look, "w") as file: file.write("""BEGIN;
SELECT (SELECT value FROM counters WHERE name = 'holdings'), (SELECT value FROM counters WHERE name = 'notes'), clock_timestamp();
SELECT number, facts, terms.term, terms.nonce, coalesce(beat, 0), (extract(epoch FROM clock_timestamp() - seen_at) * 1000000)::bigint
FROM instances LEFT JOIN terms ON terms.instance = number LEFT JOIN beats ON beats.instance = number ORDER BY number;
SELECT number, shard, machine, kind, body FROM mail WHERE shard = ANY('{1,2,3,4}'::smallint[]) OR machine = 'fake' ORDER BY number;
COMMIT;
""")
        for what, script, rate in [
            ("beats", beat, options.members / 0.75), ("looks", look, 8 * 4 + max(0, options.members - 8)),
        ]:
            cost = rig.store.load(script, rate, 20)
            print(f"{options.members} members, {what}: asked {rate:,.0f}/s, done {cost['rate']:,.0f}/s, "
                  f"{cost['cores'] * 100:.0f} % of a core in the server, WAL {cost['wal'] / 1e6:.2f} MB/s")


parser = argparse.ArgumentParser(prog="instances.sh")
parser.add_argument("binary")
parser.add_argument("--store", choices=STORES, default="postgres")
parser.add_argument("--lease", type=int, default=10)
commands = parser.add_subparsers(dest="command", required=True)


def command(run, *arguments):
    added = commands.add_parser(run.__name__)
    added.set_defaults(run=run)
    for name, kind, default, place in arguments:
        if kind is bool: added.add_argument(name, action="store_true", dest=place)
        else: added.add_argument(name, type=kind, default=default, dest=place)


seed = ("--seed", int, random.randrange(1_000_000), "seed")
rate = ("--rate", int, None, "rate")
command(kills, ("--instances", int, 4, "instances"), ("--for", int, 120, "seconds"), rate, seed)
command(programs, ("--for", int, 90, "seconds"), rate, seed)
command(takeover, ("--times", int, 20, "times"), ("--fast", bool, None, "fast"), rate)
command(rolling, rate)
command(clocks)
command(spread, ("--jobs", int, 100_000, "jobs"))
command(beats, ("--members", int, 1_000, "members"))
options = parser.parse_args()
if options.command in RATES[options.store] and options.rate is None: options.rate = RATES[options.store][options.command]
signal.signal(signal.SIGTERM, signal.default_int_handler)
options.run(options)

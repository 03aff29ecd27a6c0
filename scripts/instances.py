"""See instances.sh, which runs it."""
import argparse, collections, json, os, random, shutil, signal, subprocess, sys, tempfile, threading, time
from postgres_rig import Postgres
from instances_rig import Instance, Redis, instant, text

PATIENCE = 180
LEASE = 3


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0


def rq(number, first, last, step):
    """A job of each `step` seconds; they come due in turn."""
    return (f'[[job]]\nname = "job-{number:05d}"\nevery = "{step}s"\nstarts_at = {text(first + number % step)}\n'
            f'ends_at = {text(last)}\ncatch_up = "all"\noverlap = "allow"\n'
            f'rq = {{ queue = "pay", function = "bank.pay" }}\n')


def wait(what, seconds, is_so, pause=0.25):
    end = time.time() + seconds
    while not is_so():
        if time.time() > end: sys.exit(f"not within {seconds} s: {what}")
        time.sleep(pause)


def in_force(instance):
    return [one for one in instance.instances() if one["state"] == "inForce"]


def is_level(instance, count):
    """Whether so many share evenly."""
    shares = [one["shares"] for one in in_force(instance)]
    return len(shares) == count and max(shares) - min(shares) <= 1


class Rig:
    def __init__(self, options, count, settings="", instance="", redis=True, environments={}):
        self.folder = tempfile.mkdtemp(prefix="carillon-instances-")
        self.postgres = Postgres(self.folder)
        self.redis = Redis(self.folder) if redis else None
        if redis: settings += f'[redis]\nurl = "redis://127.0.0.1:{self.redis.port}/0"\n'
        settings += "[ledger]\nkeep_per_job = 1000000\n"
        self.instances = []
        for number in range(count):
            name = f"i{number:02d}"
            table = f'[instance]\nname = "{name}"\n{instance}\n'
            self.instances.append(Instance(options.binary, self.folder, name, self.postgres, table + settings,
                                           environments.get(number, {})))

    def __enter__(self):
        for server in filter(None, [self.postgres, self.redis]): server.start()
        self.postgres.ready()
        self.postgres.database()
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
        for server in filter(None, [self.redis, self.postgres]): server.kill()
        if kind: print(f"its files are left in {self.folder}")
        else: shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        for instance in self.instances: instance.start()
        for instance in self.instances: instance.ask("status", "--wait", "60")

    def stop(self):
        """Ends all in order, one after the other."""
        for instance in self.instances:
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
    count, step, jobs = options.instances, 5, 2_000
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
                rig.postgres.restart()
                rig.postgres.ready()
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


parser = argparse.ArgumentParser(prog="instances.sh")
parser.add_argument("binary")
commands = parser.add_subparsers(dest="command", required=True)


def command(run, *arguments):
    added = commands.add_parser(run.__name__)
    added.set_defaults(run=run)
    for name, kind, default, place in arguments:
        if kind is bool: added.add_argument(name, action="store_true", dest=place)
        else: added.add_argument(name, type=kind, default=default, dest=place)


seed = ("--seed", int, random.randrange(1_000_000), "seed")
command(kills, ("--instances", int, 4, "instances"), ("--for", int, 120, "seconds"), seed)
options = parser.parse_args()
signal.signal(signal.SIGTERM, signal.default_int_handler)
options.run(options)

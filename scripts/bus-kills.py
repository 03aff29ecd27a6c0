"""See bus-kills.sh, which runs it."""
import argparse, collections, datetime, json, multiprocessing, os, random, sys, time
import pika
from bus_rig import AWAY, rig

JOBS = 200
PATIENCE = 90
queues = [f"queues-{number:03d}" for number in range(JOBS // 2)]
exchanges = [f"exchanges-{number:03d}" for number in range(JOBS // 2)]


def text(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def definition(number, name, first, last):
    bus = '{ topology = "exchanges" }' if name in exchanges else "{}"
    # Half of each kind must be heard of as well.
    silence = 'heartbeat_timeout = "10s"' if number % 2 else ""
    return (f'[[job]]\nname = "{name}"\nevery = "1s"\nstarts_at = {text(first)}\nends_at = {text(last)}\n'
            f'catch_up = "all"\noverlap = "allow"\nbus = {bus}\n{silence}\n')


def work(url, names, path):
    """A worker of these jobs, for ever: each run takes it up to two seconds, and every run it is given is a line in the file."""
    os.setpgrp()
    outbox = []  # (when, job, message): what it has to tell, until the broker has it
    with open(path, "a") as taken:
        while True:
            try:
                serve(url, names, taken, outbox)
            except AWAY:
                time.sleep(0.5)


def serve(url, names, taken, outbox):
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    # In one transaction it takes runs and tells of others: many at a time are as safe as one by one, and quicker.
    channel.tx_select()
    unsettled = []

    def take(_, method, properties, body):
        action = json.loads(body)
        unsettled.append(method.delivery_tag)
        if action["action"] != "run": return
        about = [action[key] for key in ("runId", "attempt", "scheduledAt", "jobName")]
        print(properties.message_id, *about, file=taken, flush=True)
        for status, after in ("running", 0), ("completed", random.uniform(0, 2)):
            message = {"jobName": action["jobName"], "runId": action["runId"], "status": status}
            outbox.append((time.monotonic() + after, action["jobName"], json.dumps(message)))

    for name in names:
        place = f"scheduler.job.{name}"
        exchange, kind, queue = ((place + ".action", "fanout", f"worker.{name}") if name in exchanges
                                 else (place, "topic", place + ".action"))
        channel.exchange_declare(exchange, kind, durable=True)
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(queue, exchange, "action")
        channel.basic_consume(queue, take)
    while True:
        connection.process_data_events(time_limit=0.1)
        now = time.monotonic()
        due = [entry for entry in outbox if entry[0] <= now]
        for _, name, message in due:
            exchange = f"scheduler.job.{name}.status" if name in exchanges else f"scheduler.job.{name}"
            channel.basic_publish(exchange, "status", message, pika.BasicProperties(delivery_mode=2))
        for tag in unsettled: channel.basic_ack(tag)
        if due or unsettled: channel.tx_commit()
        unsettled.clear()
        outbox[:] = [entry for entry in outbox if entry[0] > now]


def kill_in_turn(broker, daemon, chance, first, seconds):
    """Kills one, the other, and both, at a random moment in every ten seconds or so; answers how often."""
    kills, rounds = collections.Counter(), seconds // 10
    for number in range(rounds):
        what, victims = (("daemon", [daemon]), ("broker", [broker]), ("both", [daemon, broker]))[number % 3]
        moment = first + (number + chance.uniform(0, 0.6)) * seconds / rounds
        pause = chance.uniform(0, 2)
        time.sleep(max(0, moment - time.time()))
        for victim in victims: victim.kill()
        time.sleep(pause)
        for victim in victims: victim.start()
        broker.connect().close()
        kills[what] += 1
    return kills


def settle(broker, daemon, last):
    """Waits until every time is past and nothing is outstanding on either side; yields what still is."""
    end = max(last, time.time()) + PATIENCE
    daemon.ask("status", "--wait", "60")
    while True:
        time.sleep(2)
        active = {state: count for state, count in daemon.status()["active"].items() if count}
        left = {name: count for name, count in broker.rows("list_queues", "name", "messages") if count != "0"}
        if time.time() > end or time.time() > last + 2 and not active and not left: break
    yield from (f"{count} runs are still {state}" for state, count in active.items())
    yield from (f"{count} messages are left in {name}" for name, count in left.items())


def faults_of_ledger(runs, skipped, first, last):
    """Every time of every job is there once, and ended well."""
    seen = collections.Counter((run["job"], instant(run["scheduledAt"])) for run in runs)
    for stretch in skipped:
        for at in range(int(instant(stretch["scheduledAt"])), int(instant(stretch["through"] or stretch["scheduledAt"])) + 1):
            seen[stretch["job"], at] += 1
    due = {(name, at) for name in queues + exchanges for at in range(first, last + 1)}
    for name, at in sorted(due | set(seen)):
        if (name, at) not in due: yield f"{name} has a run for {text(at)}, which is none of its times"
        elif seen[name, at] != 1: yield f"{name} has {seen[name, at]} records for {text(at)}"
    for run in runs:
        if run["state"] != "completed":
            yield f"{run['job']}: run {run['id']} is {run['state']}: {run['error'] or run['reason'] or run['heldBecause']}"


def faults_of_messages(runs, messages):
    """Every run has its message, and every message is of a run."""
    got = {run for _, run, *_ in messages}
    for run in runs:
        if run["id"] not in got: yield f"{run['job']}: no worker got run {run['id']} of {run['scheduledAt']}"
    known = {(run["id"], run["job"], instant(run["scheduledAt"])) for run in runs}
    for message, run, _, at, name in messages:
        if (run, name, instant(at)) not in known: yield f"message {message} is of no run of the ledger"


def faults_of_places(broker):
    """Every exchange, queue and binding that docs/bus.md names is there, and none of a job's besides."""
    want, bound = set(), set()
    for name in queues:
        place = f"scheduler.job.{name}"
        want.add((place, "topic"))
        bound |= {(place, f"{place}.{kind}", kind) for kind in ("action", "status", "heartbeat")}
    for name in exchanges:
        place = f"scheduler.job.{name}"
        want |= {(f"{place}.{kind}", "fanout") for kind in ("action", "status", "heartbeat")}
        bound |= {(f"{place}.{kind}", f"{place}.{kind}") for kind in ("status", "heartbeat")}
        bound.add((place + ".action", f"worker.{name}"))
    there = {tuple(row) for row in broker.rows("list_exchanges", "name", "type") if row[0].startswith("scheduler.job.")}
    # A fanout's routing key means nothing.
    bindings = {(source, queue) if source.startswith("scheduler.job.exchanges-") else (source, queue, key) for source, queue, key
                in broker.rows("list_bindings", "source_name", "destination_name", "routing_key") if source}
    # Carillon's mark is a queue of its own, in which nothing ever is.
    listed = {name for name, in broker.rows("list_queues", "name") if ".carillon-mark." not in name}
    wanted_queues = {row[1] for row in bound}
    for kind, wanted, found in ("exchange", want, there), ("queue", wanted_queues, listed), ("binding", bound, bindings):
        for one in sorted(wanted ^ found):
            said = one if kind == "queue" else " ".join(one)
            yield f"{kind} {said} is {'not there' if one in wanted else 'there, and should not be'}"


parser = argparse.ArgumentParser(prog="bus-kills.sh")
parser.add_argument("binary")
parser.add_argument("--for", type=int, default=90, dest="seconds")
parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
options = parser.parse_args()
if options.seconds < 30: parser.error("--for needs 30 or more")
print(f"seed {options.seed}", flush=True)
with rig(options.binary) as (broker, daemon):
    paths = [f"{daemon.folder}/{kind}.txt" for kind in ("queues", "exchanges")]
    workers = [multiprocessing.Process(target=work, args=(broker.url, names, path))
               for names, path in zip((queues, exchanges), paths)]
    try:
        for worker in workers: worker.start()
        first = int(time.time()) + 5
        last = first + options.seconds
        daemon.give("load", [definition(number, name, first, last) for number, name in enumerate(queues + exchanges)])
        daemon.start()
        kills = kill_in_turn(broker, daemon, random.Random(options.seed), first, options.seconds)
        outstanding = list(settle(broker, daemon, last))
        if not all(worker.is_alive() for worker in workers): sys.exit("a worker ended, which is no fault of the daemon's")
    finally:
        for worker in workers: worker.kill()
    ledger = daemon.ask("runs", "list", "--json", "--limit", "1000000", "--client-timeout", "60s")
    rows = [json.loads(line) for line in ledger.splitlines()]
    runs = [row for row in rows if row["state"] != "skipped"]
    skipped = [row for row in rows if row["state"] == "skipped"]
    messages = [line.split() for path in paths for line in open(path)]
    times = {message: int(attempt) for message, _, attempt, *_ in messages}
    took = [instant(run["endedAt"]) - instant(run["scheduledAt"]) for run in runs if run["state"] == "completed"]
    print(f"runs: {len(runs):,}, and {sum(row['count'] for row in skipped):,} times skipped")
    print("killed: " + ", ".join(f"{what} {count}" for what, count in kills.items()))
    print(f"doubled, under the same message id: {len(messages) - len(times):,}")
    print(f"republished, under a later attempt: {sum(attempt > 1 for attempt in times.values()):,}")
    print(f"longest from due to completed: {max(took, default=0):.1f} s")
    faults = [outstanding, [*faults_of_ledger(runs, skipped, first, last)], [*faults_of_messages(runs, messages)],
              [*faults_of_places(broker)]]
    for kind in faults:
        for fault in kind[:5]: print(fault)
        if len(kind) > 5: print(f"... and {len(kind) - 5} more of the kind")
    if any(faults): sys.exit("that is not what was promised")

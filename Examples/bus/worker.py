"""A worker for jobs that come over RabbitMQ:  worker.py amqp://guest:guest@127.0.0.1/ greet count
With the jobs' topology = "exchanges":         worker.py --exchanges amqp://guest:guest@127.0.0.1/ audit"""
import collections, json, sys, threading, time, pika

BEAT = 1.0  # seconds between heartbeats: well below the job's heartbeat_timeout
outbox = collections.deque()  # (kind, job, message): the threads put in, the main loop sends
runs = {}  # of each run at work, by its id: (its message, "is it cancelled?")


def work(action, cancelled):
    """The work itself. It may run twice for one runId, so let it do no harm then."""
    for number in range(int(action.get("arguments", {}).get("to", 3))):
        if cancelled.wait(0.1): return  # looks now and then whether it is still wanted
        print(action["jobName"], action["runId"], number, flush=True)


def tell(kind, action, **more):
    outbox.append((kind, action["jobName"], {"jobName": action["jobName"], "runId": action["runId"], **more}))


def start(action, cancelled):
    tell("status", action, status="running")
    try:
        work(action, cancelled)
        end = {"status": "cancelled" if cancelled.is_set() else "completed"}
    except Exception as error:
        end = {"status": "failed", "error": repr(error)}
    del runs[action["runId"]]  # first: no heartbeat after the end
    tell("status", action, **end)


def take(channel, method, properties, body):
    action = json.loads(body)
    known = runs.get(action["runId"])
    if action["action"] == "cancel":
        if known:
            known[1].set()
        else:  # nothing runs, then; true while this worker is the only one of its job
            tell("status", action, status="cancelled")
    elif known:  # it came again while at work on it: nothing to start
        tell("status", action, status="running")
    else:
        cancelled = threading.Event()
        runs[action["runId"]] = (action, cancelled)
        threading.Thread(target=start, args=(action, cancelled), daemon=True).start()
    channel.basic_ack(method.delivery_tag)  # at once: from here on heartbeats tell that somebody is at work


def serve(url, jobs, exchanges):
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.confirm_delivery()  # a publish returns when the broker has it
    for job in jobs:  # the same as Carillon declares, whoever comes first
        name = f"scheduler.job.{job}"
        exchange, queue = (f"{name}.action", f"worker.{job}") if exchanges else (name, f"{name}.action")
        channel.exchange_declare(exchange, "fanout" if exchanges else "topic", durable=True)
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(queue, exchange, "action")
        channel.basic_consume(queue, take)
    beat = 0
    while True:
        connection.process_data_events(time_limit=0.1)
        if time.monotonic() >= beat:
            beat = time.monotonic() + BEAT
            for action, _ in list(runs.values()): tell("heartbeat", action)
        while outbox:
            kind, job, message = outbox[0]
            exchange = f"scheduler.job.{job}.{kind}" if exchanges else f"scheduler.job.{job}"
            channel.basic_publish(exchange, kind, json.dumps(message), pika.BasicProperties(delivery_mode=2))
            outbox.popleft()


url, *jobs = [a for a in sys.argv[1:] if a != "--exchanges"]
while True:
    try:
        serve(url, jobs, "--exchanges" in sys.argv)
    except (pika.exceptions.AMQPError, OSError, ValueError) as error:  # the last: it went while we connected
        print("the broker is away:", repr(error), flush=True)
        time.sleep(1)

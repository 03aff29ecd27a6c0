"""See bus-many.sh, which runs it."""
import sys, time
import pika
from bus_rig import rig

TICKING = 50
PATIENCE = 1200
binary, number = sys.argv[1], int(sys.argv[2])
many = [f"many-{each:05d}" for each in range(number)]


def lateness(daemon):
    """In milliseconds, of the last 4,096 dispatches."""
    return daemon.status()["latenessP99Seconds"] * 1000


def told(looks):
    return f"{sorted(looks)[len(looks) // 2]:.1f} ms in the median look, {max(looks):.1f} in the worst"


def resident(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as file:
        return next(int(line.split()[1]) >> 10 for line in file if line.startswith("VmRSS"))


def declared(broker, daemon):
    """Looks on until the broker has the last queue of every job; answers the seconds, and the lateness meanwhile."""
    began, looks = time.monotonic(), []
    connection = broker.connect()
    channel = connection.channel()
    for name in many:
        while True:
            try:
                channel.queue_declare(f"scheduler.job.{name}.heartbeat", passive=True)
                break
            except pika.exceptions.ChannelClosedByBroker:
                if time.monotonic() > began + PATIENCE: sys.exit(f"after {PATIENCE} s the broker has no queues of {name}")
                looks.append(lateness(daemon))
                time.sleep(1)
                channel = connection.channel()
    took = time.monotonic() - began
    looks.append(lateness(daemon))
    connection.close()
    return took, looks


with rig(binary) as (broker, daemon):
    # Their first time is when the broker has their queues.
    first = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 10))
    daemon.give("ticking", [f'[[job]]\nname = "tick-{each}"\nevery = "1s"\nstarts_at = {first}\nbus = {{}}\n'
                            for each in range(TICKING)])
    daemon.start()
    daemon.ask("status", "--wait", "60")
    time.sleep(12)
    looks = []
    for _ in range(20):
        time.sleep(1)
        looks.append(lateness(daemon))
    before = resident(daemon)
    print(f"lateness p99 before: {told(looks)}", flush=True)
    daemon.give("many", [f'[[job]]\nname = "{name}"\ncron = "0 0 1 1 *"\nbus = {{}}\n' for name in many])
    took, looks = declared(broker, daemon)
    print(f"{number:,} jobs: on the broker after {took:.1f} s")
    print(f"lateness p99 meanwhile: {told(looks)}")
    print(f"daemon: {resident(daemon)} MiB resident, {before} before")
    channels = [int(count) for count, in broker.rows("list_connections", "channels")]
    print(f"connections: {len(channels)}, with {sum(channels)} channels")
    # Carillon's mark is a queue of its own.
    queues = sum(".carillon-mark." not in name for name, in broker.rows("list_queues", "name"))
    if queues != 3 * (number + TICKING): sys.exit(f"there are {queues:,} queues, not {3 * (number + TICKING):,}")

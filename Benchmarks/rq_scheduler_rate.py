"""How many due jobs a second rq-scheduler moves into RQ's queue: the same function and arguments, the same Redis."""
import datetime
import json
import sys
import time

from redis import Redis
from rq_scheduler import Scheduler

url, count = sys.argv[1], int(sys.argv[2])
redis = Redis.from_url(url)
redis.flushall()
scheduler = Scheduler("default", connection=redis)
due = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(seconds=1)
for number in range(count):
    scheduler.enqueue_at(due, "shop.tasks.sync", number, {"a": "ü"}, dry=False)
start = time.monotonic()
scheduler.enqueue_jobs()
seconds = time.monotonic() - start
assert redis.llen("rq:queue:default") == count
print(json.dumps({"name": f"rq-scheduler burst of {count}", "unit": "runs/s", "value": count / seconds}))

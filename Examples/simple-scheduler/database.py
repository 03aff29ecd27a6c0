"""A server of MongoDB's protocol, with a job in it that Simple Scheduler has left:  database.py FOLDER mongodb://127.0.0.1:PORT"""
import datetime, signal, sys, threading
from pymongo import MongoClient
from secantus import SecantusDBServer

folder, address = sys.argv[1:3]
server = SecantusDBServer(storage_path=folder, port=int(address.rsplit(":", 1)[1]), durable=True)
server.start()
none = datetime.datetime(1, 1, 1)  # what Go writes for no time
jobs = MongoClient(address).simpleScheduler.jobs
if not jobs.count_documents({}):
    jobs.insert_one({
        "_id": "left-behind", "enabled": True, "nextRunAt": datetime.datetime.utcnow() + datetime.timedelta(seconds=3),
        "interval": 3000, "runExecutionTimeout": 30000, "runStartTimeout": 10000, "maxQueueCount": 5,
        "allowConcurrentRuns": False, "heartbeatTimeout": 0, "heartbeat": none})
print("listening", flush=True)
over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())
over.wait()
server.stop()

"""See mongo-burst.sh, which runs it."""
import argparse, sys, tempfile, time
from bson import ObjectId
from pymongo import MongoClient, UpdateOne
from instances_rig import Redis, instant, text
from mongo_rig import Mongo
from rig import Daemon


def written(address, database, of_jobs, of_runs):
    """Seconds for the writes of a run: its job's decision, the run, and it as it goes out. In batches, as the store sends them."""
    client = MongoClient(address, directConnection=True, w="majority", journal=True)
    jobs, runs = client[database]["jobs"], client[database]["runs"]
    # With the indexes and the documents of the real ones.
    for kind, source in ((jobs, of_jobs), (runs, of_runs)):
        for name, index in source.index_information().items():
            if name == "_id_": continue
            kind.create_index(index["key"], name=name, unique=index.get("unique", False),
                              **({"partialFilterExpression": index["partialFilterExpression"]}
                                 if "partialFilterExpression" in index else {}))
    all_jobs, all_runs = list(of_jobs.find()), list(of_runs.find())
    jobs.insert_many(all_jobs, ordered=False)
    begun = time.time()
    for start in range(0, len(all_runs), 1000):
        some = all_runs[start:start + 1000]
        jobs.bulk_write([UpdateOne({"number": run["jobID"], "revision": 1},
                                   {"$set": {"cursor": run["scheduledAt"], "decision": start},
                                    "$inc": {"opened": 1}, "$unset": {"nextDue": ""}}) for run in some], ordered=False)
        runs.insert_many(some, ordered=False)
        runs.bulk_write([UpdateOne({"_id": run["_id"], "active": True},
                                   {"$set": {"dispatchedAt": run["scheduledAt"], "by": 2, "state": 0}}) for run in some],
                        ordered=False)
    seconds = time.time() - begun
    client.drop_database(database)
    return seconds


def main(options):
    folder = tempfile.mkdtemp(prefix="carillon-burst-")
    store, redis = Mongo(folder), Redis(folder)
    for server in (store, redis): server.start()
    store.ready()
    try:
        due = int(time.time()) + 20 + options.jobs // 100
        daemon = Daemon(options.binary, folder, f"""
[instance]
lease = "60s"
[store]
url = "{store.url(store.port)}"
[redis]
url = "redis://127.0.0.1:{redis.port}/0"
""")
        daemon.give("load", [
            f'[[job]]\nname = "job-{number:05d}"\nat = "{text(due)}"\ncatch_up = "all"\n'
            f'rq = {{ queue = "pay", function = "bank.pay" }}\n' for number in range(options.jobs)])
        daemon.start()
        daemon.ask("status", "--wait", "60")
        while int(redis.ask("LLEN", "rq:queue:pay")) < options.jobs:
            if time.time() > due + 600: sys.exit("they do not all come out")
            time.sleep(0.1)
        out = time.time() - due
        time.sleep(5)
        client = MongoClient(store.url(store.port), directConnection=True)
        marked = client["carillon"]["runs"].count_documents({"dispatchedAt": {"$exists": True}})
        daemon.kill()
        print(f"{options.jobs:,} runs of one moment: all out after {out:.1f} s, {options.jobs / out:.0f} a second; {marked:,} are marked so")
        alone = written(store.url(store.port), "alone", client["carillon"]["jobs"], client["carillon"]["runs"])
        print(f"the server alone, for the same documents: {options.jobs / alone:.0f} a second; {alone / out:.0%} of that")
    finally:
        for server in (redis, store): server.kill()


parser = argparse.ArgumentParser(prog="mongo-burst.sh")
parser.add_argument("binary")
parser.add_argument("--jobs", type=int, default=2_000)
main(parser.parse_args())

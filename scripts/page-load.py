"""See page-load.sh, which runs it."""
import argparse, http.client, itertools, json, shutil, statistics, sys, tempfile, threading, time, urllib.parse
from api_rig import APIDaemon
from ledger_rig import TICKING, lateness, serve, ticking
from postgres_rig import Postgres

# Milliseconds to the first byte, and of lateness.
MEDIAN, LONGEST, SEARCH, FORECAST, MOST_MOVED = 15, 50, 150, 150, 2
# MiB.
MOST_GROWN = 16


class Visitor:
    def __init__(self, daemon):
        self.daemon = daemon
        answer, _ = self.ask("POST", "/login", "token=" + urllib.parse.quote(daemon.token))
        self.cookie = answer.getheader("Set-Cookie").split(";")[0]

    def ask(self, method, path, body=None):
        line = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        headers = {"Accept": "text/html", "Accept-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}
        if hasattr(self, "cookie"): headers["Cookie"] = self.cookie
        line.connect()
        began = time.monotonic()
        line.request(method, path, body, headers)
        answer = line.getresponse()
        took = (time.monotonic() - began) * 1000
        answer.size = len(answer.read())
        line.close()
        return answer, took

    def times(self, path, times):
        took, size = [], 0
        for number in range(times):
            answer, one = self.ask("GET", path.format(number * 7919 % 1_000_000))
            if answer.status != 200: sys.exit(f"{path}: {answer.status}")
            took.append(one)
            size = max(size, answer.size)
        took.sort()
        return took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)], size

    def walk(self, pages, end):
        """Looks at one page after the other, ten a second, until `end` is set."""
        for number, path in enumerate(itertools.cycle(pages)):
            if end.wait(0.1): return
            self.ask("GET", path.format(number * 7919 % 1_000_000))


def moved(daemon, visitor, pages, looks):
    """How late runs are while nobody looks, and how much later while somebody walks through the pages: in turns, for the
    machine changes by itself. In milliseconds, the median of looks and of their differences."""
    quiet, more = [], []
    for _ in range(looks):
        alone, _ = lateness(daemon, 1)
        end = threading.Event()
        walk = threading.Thread(target=visitor.walk, args=(pages, end))
        walk.start()
        beside, _ = lateness(daemon, 1)
        end.set()
        walk.join()
        quiet.append(alone)
        more.append(beside - alone)
    return statistics.median(quiet), statistics.median(more)


def figure(name, unit, value):
    """One of scripts/bench.sh."""
    print(json.dumps({"name": name, "unit": unit, "value": value}), flush=True)


def move(daemon, server):
    """All that the daemon has goes to an empty database."""
    server.start()
    server.ready()
    address = server.database()
    began = time.monotonic()
    daemon.ask("store", "copy", f"sqlite:{daemon.folder}/state/carillon.db", address)
    server.query("VACUUM ANALYZE")
    print(f"copied to PostgreSQL after {time.monotonic() - began:.0f} s", flush=True)
    with open(daemon.folder + "/carillon.toml", "a") as file: file.write(f'[store]\nurl = "{address}"\n')


def main(options, daemon, server):
    daemon.fill(options.jobs, options.runs)
    if server: move(daemon, server)
    print(f"started after {serve(daemon):.1f} s", flush=True)
    visitor = Visitor(daemon)
    daemon.give("ticking", [ticking(number).replace('"job-', '"tick-') for number in range(TICKING)])
    time.sleep(15)
    before = daemon.resident()
    answer = daemon.call("GET", "/api/v1/runs?limit=1")[1]
    # Of one that has a hundred and some.
    name = json.loads(answer)["items"][0]["job"]
    pages = {"Now": "/", "Jobs": "/jobs", "Jobs, later": "/jobs?after=job-{:07d}", "a job": f"/jobs/{name}", "Runs": "/runs",
             "failed runs": "/runs?state=failed", "why": f"/jobs/{name}/why", "System": "/system", "the editor": "/editor",
             "search": "/jobs?q=9{:05d}", "forecast, 24 h": "/forecast", "login": "/login"}
    broken = []
    tell = figure if options.figures else lambda *_: None
    print(f"{'to the first byte':24}{'p50 ms':>10}{'p99 ms':>10}{'KiB, gz':>10}", flush=True)
    for name, path in pages.items():
        median, longest, size = visitor.times(path, options.times)
        print(f"{name:24}{median:>10.1f}{longest:>10.1f}{size / 1024:>10.1f}", flush=True)
        tell(f"page {name}, {options.jobs:,} jobs, p50", "ms", median)
        tell(f"page {name}, p99", "ms", longest)
        bounds = (SEARCH, SEARCH) if name == "search" else (FORECAST, FORECAST) if "forecast" in name else (MEDIAN, LONGEST)
        if median > bounds[0] or longest > bounds[1]: broken.append(f"{name}: {median:.0f} and {longest:.0f} ms, not {bounds}")
    grown = daemon.resident() - before
    print(f"memory grew by {grown:.1f} MiB, that of a thousand runs a second meanwhile among it", flush=True)
    tell("memory that pages take", "MiB", grown)
    if grown > MOST_GROWN: broken.append(f"memory grew by {grown:.0f} MiB, not by at most {MOST_GROWN}")
    quiet, more = moved(daemon, visitor, list(pages.values()), options.looks)
    print(f"lateness p99: {quiet:.1f} ms, {more:+.1f} ms while ten pages a second are looked at", flush=True)
    tell("lateness p99 while pages are looked at, beside before", "ms", more)
    if more >= MOST_MOVED: broken.append(f"lateness moved by {more:.1f} ms, not by less than {MOST_MOVED}")
    return broken


parser = argparse.ArgumentParser(prog="scripts/page-load.sh")
parser.add_argument("binary", help=argparse.SUPPRESS)
parser.add_argument("--jobs", type=int, default=1_000_000)
parser.add_argument("--runs", type=int, default=10_000_000)
parser.add_argument("--times", type=int, default=200, help="each page is asked for")
parser.add_argument("--postgres", action="store_true", help="the same in PostgreSQL; no bound fails then")
parser.add_argument("--figures", action="store_true", help="as scripts/bench.sh reads them; no bound fails then")
parser.add_argument("--looks", type=int, default=6, help="at lateness, twice five seconds each")
options = parser.parse_args()
folder = tempfile.mkdtemp(prefix="carillon-page-load-")
daemon = APIDaemon(options.binary, folder)
server = Postgres(folder) if options.postgres else None
try:
    broken = main(options, daemon, server)
finally:
    daemon.kill()
    if server: server.kill()
    shutil.rmtree(folder, ignore_errors=True)
if broken and not options.figures and not options.postgres: sys.exit("not kept:\n" + "\n".join(broken))

"""See api-siege.sh, which runs it as `scrape`."""
import argparse, json, os, re, shutil, sys, tempfile, time, urllib.error, urllib.parse, urllib.request
from api_rig import DISTANT, APIDaemon
from ledger_rig import Filling, serve, stop
from rig import Server, free_port

MOST_SERIES = 2000
# What there is only with mail.
ELSEWHERE = {"carillon_notifications_total"}


class Prometheus(Server):
    def __init__(self, folder, daemon):
        self.port = free_port()
        with open(folder + "/token", "w") as file: file.write(daemon.token)
        with open(folder + "/prometheus.yml", "w") as file:
            file.write(f"""global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: carillon
    authorization: {{credentials_file: {folder}/token}}
    static_configs: [{{targets: ["127.0.0.1:{daemon.port}"]}}]
""")
        super().__init__(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/prometheus",
                          f"--web.listen-address=127.0.0.1:{self.port}"], None, folder + "/prometheus.log")

    def ask(self, path, **query):
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=30) as answer: return json.load(answer)["data"]

    def value(self, query):
        found = self.ask("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def ready(self):
        for _ in range(300):
            try:
                return self.ask("query", query="1")
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        sys.exit("Prometheus does not come up")


def documented():
    """The names in docs/metrics.md, with what a histogram's and an info's are in Prometheus."""
    names = {}
    with open("docs/metrics.md") as file: text = file.read()
    for name, kind in re.findall(r"^\| `(carillon_\w+)` \| (\w+) \|", text, re.M): names[name] = kind
    for name in re.findall(r"`(process_\w+)`", text): names[name] = "gauge"
    return {name: name + "_bucket" if kind == "histogram" else name for name, kind in names.items()}


parser = argparse.ArgumentParser(prog="scripts/api-siege.sh scrape")
parser.add_argument("binary", help=argparse.SUPPRESS)
parser.add_argument("--jobs", type=int, default=10_000)
parser.add_argument("--seconds", type=int, default=60)
options = parser.parse_args()
folder = tempfile.mkdtemp(prefix="carillon-api-scrape-")
daemon = APIDaemon(options.binary, folder, 'metrics_tags = ["watched"]\n', isShadow=False)
prometheus = None
try:
    serve(daemon)
    daemon.make_token()
    status, answer = daemon.call("POST", "/api/jobs", {"name": "pattern", **DISTANT})
    if status != 201: sys.exit(f"a job is answered {status}: {answer}")
    stop(daemon)
    with Filling(folder) as filling: filling.copies("pattern", options.jobs, "job-")
    # One that is watched, and one that fails.
    daemon.give("watched", [f'[[job]]\nname = "{name}"\nevery = "2s"\nexec = ["{name}"]\ntags = ["watched"]\n'
                            for name in ("true", "false")])
    serve(daemon)
    prometheus = Prometheus(folder, daemon)
    prometheus.start()
    prometheus.ready()
    time.sleep(options.seconds)
    span = f"[{max(1, options.seconds - 5)}s]"
    lowest, count = prometheus.value(f"min_over_time(up{span})"), prometheus.value(f"count_over_time(up{span})")
    series = prometheus.value('count({job="carillon"})')
    took = prometheus.value(f"max_over_time(scrape_duration_seconds{span})")
    there = set(prometheus.ask("label/__name__/values"))
    broken = []
    print(f"{options.jobs:,} jobs: up is {lowest:.0f} in each of {count:.0f} scrapes, {series:.0f} series, a scrape takes "
          f"{took * 1000:.0f} ms at most")
    if lowest != 1: broken.append("it was not up throughout")
    if series >= MOST_SERIES: broken.append(f"{series:.0f} series are no fewer than {MOST_SERIES}")
    names = documented()
    missing = sorted(name for name, shown in names.items() if shown not in there and name not in ELSEWHERE)
    print(f"{len(names)} metrics are documented, {len(names) - len(missing)} are in Prometheus")
    if missing: broken.append("not in Prometheus: " + ", ".join(missing))
    other = sorted(name for name in there if name.startswith("carillon_")
                   and re.sub("_(bucket|count|sum)$", "", name) not in names and name not in names)
    if other: broken.append("not documented: " + ", ".join(other))
    stop(daemon)
finally:
    if prometheus: prometheus.kill()
    daemon.kill()
    shutil.rmtree(folder, ignore_errors=True)
if broken: sys.exit("not kept:\n" + "\n".join(broken))

"""A daemon with its API: for the scripts beside it."""
import http.client, json, os, sys, time
from ledger_rig import Filling, first_time, serve, stop
from rig import Daemon, free_port

# A job of workers on a bus, which Simple Scheduler's routes show; its first time is far away.
DISTANT = {"nextRunAt": "2060-01-01T00:00:00Z", "interval": 86_400_000}
SCOPES = ("jobs:read", "jobs:write", "runs:read", "runs:write", "system:read")


def busy(jobs):
    """How many of so many jobs have most of the runs."""
    return max(1, jobs // 100)


class APIDaemon(Daemon):
    """In shadow it plans and records, and starts nothing."""

    def __init__(self, binary, folder, settings="", isShadow=True):
        self.port = free_port()
        # What the ledger has is kept.
        super().__init__(binary, folder, f"""time_zone = "UTC"
[ledger]
keep = "3650d"
keep_per_job = 1000000000
[api]
listen = "127.0.0.1:{self.port}"
{settings}""")
        if isShadow: self.words.append("--shadow")
        if "CARILLON_SHIM" in os.environ: self.environment["CARILLON_SHIM"] = os.environ["CARILLON_SHIM"]
        self.token = None

    def fill(self, jobs, runs):
        """A ledger as after years: every other run is of any job, the others are of a hundredth of them."""
        serve(self)
        self.make_token()
        status, answer = self.call("POST", "/api/jobs", {"name": "pattern", **DISTANT})
        if status != 201: sys.exit(f"a job is answered {status}: {answer}")
        stop(self)
        began = time.monotonic()
        with Filling(self.folder) as filling:
            first = filling.copies("pattern", jobs, "job-")
            filling.runs(runs, first_time(runs), f"{first} + (n / 2) % CASE WHEN n % 2 THEN {jobs} ELSE {busy(jobs)} END")
        # What the filling left in memory would be written while the daemon is looked at.
        os.sync()
        size = os.path.getsize(self.folder + "/state/carillon.db") / 1e9
        print(f"{jobs:,} jobs and {runs:,} runs put in after {time.monotonic() - began:.0f} s, {size:.1f} GB", flush=True)

    def make_token(self):
        """As one of the store's, which is what programs have."""
        self.token = self.ask("token", "create", "load", *[word for scope in SCOPES for word in ("--scope", scope)]).strip()

    def call(self, method, path, body=None, timeout=30):
        """The status, and what is answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body and json.dumps(body), {"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def resident(self):
        """In MiB."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

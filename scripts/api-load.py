"""See api-load.sh, which runs it."""
import argparse, json, os, shutil, socket, subprocess, sys, tempfile, time
from api_rig import APIDaemon, busy
from ledger_rig import TICKING, lateness, serve, ticking
from rig import Server, free_port

# Of hello's requests a second; and milliseconds.
LEAST_JOBS, LONGEST_PAGE, MOST_MOVED = 0.30, 20, 2
# Requests a second of a load that leaves room for what is measured: whoever asks as fast as it can takes a core for itself.
PACE = 200
TURNS = ("hello", "seed", "job", "runs", "hello")
WHAT = {"hello": "hello", "seed": "GET /api/jobs/{name}", "job": "GET /api/v1/jobs/{name}", "runs": "GET /api/v1/runs, 50 a page",
        "mixed": "all three", "paced": f"all three, {PACE} a second"}


def until_listens(port):
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nobody listens on {port}")


class Load:
    def __init__(self, options, daemon, hello):
        self.options, self.daemon, self.hello = options, daemon, hello

    def words(self, kind, seconds):
        port = self.hello if kind == "hello" else self.daemon.port
        pause = self.options.connections * 1000 // PACE if kind == "paced" else 0
        kind = "mixed" if kind == "paced" else kind
        return ["wrk", "-t1", f"-c{self.options.connections}", f"-d{seconds}s", "--timeout", "10s", "-s", "scripts/api-load.lua",
                f"http://127.0.0.1:{port}", "--", kind, str(self.options.jobs), str(busy(self.options.jobs)),
                self.daemon.token, str(pause)]

    def run(self, kind):
        text = subprocess.run(self.words(kind, self.options.seconds), check=True, stdout=subprocess.PIPE, text=True).stdout
        figures = json.loads(next(line[5:] for line in text.splitlines() if line.startswith("JSON ")))
        if figures["refused"] or figures["broken"]:
            sys.exit(f"{WHAT[kind]}: {figures['refused']} errors, {figures['broken']} without an answer")
        return figures

    def beside(self, kind, looks):
        """How late runs are meanwhile."""
        load = subprocess.Popen(self.words(kind, 5 * looks + 30), stdout=subprocess.DEVNULL)
        try:
            # The first looks would tell of before.
            time.sleep(5)
            return lateness(self.daemon, looks)
        finally:
            load.terminate()
            load.wait()


def measure(load):
    """Each kind in turns; hello is what both of its turns say."""
    print(f"\n{'':34}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'of hello':>10}", flush=True)
    told = [(kind, load.run(kind)) for kind in TURNS]
    rates = [figures["requests"] / figures["seconds"] for _, figures in told]
    whole = (rates[0] + rates[-1]) / 2
    for (kind, figures), rate in zip(told, rates):
        print(f"{WHAT[kind]:34}{rate:>12,.0f}{figures['p50']:>10.2f}{figures['p99']:>10.2f}{rate / whole:>10.0%}", flush=True)
    shares = {kind: rate / whole for (kind, _), rate in zip(told, rates)}
    figures = dict(told)
    broken = [f"{WHAT[kind]} has {shares[kind]:.0%} of hello's rate, not {LEAST_JOBS:.0%}"
              for kind in ("seed", "job") if shares[kind] < LEAST_JOBS]
    if figures["runs"]["p99"] >= LONGEST_PAGE:
        broken.append(f"a page of runs takes {figures['runs']['p99']:.1f} ms (p99), not {LONGEST_PAGE}")
    return broken


def beside(load, looks):
    """A thousand runs a second: alone, beside a server that is none of ours, and beside questions. Both of these take all that
    the machine has; the bound is that of questions at a pace."""
    load.daemon.give("ticking", [ticking(number).replace('"job-', '"tick-') for number in range(TICKING)])
    time.sleep(15)
    quiet, worst = lateness(load.daemon, looks)
    print(f"\n{TICKING:,} runs a second, lateness p99 in the median look, and in the worst:", flush=True)
    print(f"{'alone':34}{quiet:>10.1f} ms{worst:>10.1f} ms", flush=True)
    broken = []
    for kind in ("hello", "mixed", "paced"):
        median, worst = load.beside(kind, looks)
        print(f"{'beside ' + WHAT[kind]:34}{median:>10.1f} ms{worst:>10.1f} ms{median - quiet:>+10.1f} ms", flush=True)
    if median - quiet >= MOST_MOVED:
        broken.append(f"lateness moves by {median - quiet:.1f} ms beside {PACE} questions a second, not by less than {MOST_MOVED}")
    return broken


parser = argparse.ArgumentParser(prog="scripts/api-load.sh")
parser.add_argument("binary", help=argparse.SUPPRESS)
parser.add_argument("hello", help=argparse.SUPPRESS)
parser.add_argument("--jobs", type=int, default=1_000_000)
parser.add_argument("--runs", type=int, default=10_000_000)
parser.add_argument("--seconds", type=int, default=20, help="for each kind of request")
parser.add_argument("--looks", type=int, default=8, help="at lateness, five seconds each")
parser.add_argument("--connections", type=int, default=8)
options = parser.parse_args()
folder = tempfile.mkdtemp(prefix="carillon-api-load-")
daemon = APIDaemon(options.binary, folder)
port = free_port()
hello = Server([options.hello, str(port)], None, folder + "/hello.log")
try:
    daemon.fill(options.jobs, options.runs)
    print(f"started after {serve(daemon):.1f} s", flush=True)
    hello.start()
    until_listens(port)
    load = Load(options, daemon, port)
    broken = measure(load) + beside(load, options.looks)
finally:
    hello.kill()
    daemon.kill()
    shutil.rmtree(folder, ignore_errors=True)
if broken: sys.exit("not kept:\n" + "\n".join(broken))

"""See api-siege.sh, which runs it."""
import argparse, asyncio, http.client, json, os, resource, shutil, sqlite3, statistics, sys, tempfile, threading, time, urllib.parse
from api_rig import DISTANT, APIDaemon
from ledger_rig import serve, stop, ticking

TICKING = 300
# MiB more than before, of which the thousand connections that are let in at once need a third; descriptors more than before;
# milliseconds of lateness (p99); seconds of an ordinary answer.
MOST_MEMORY, MOST_DESCRIPTORS, MOST_LATE, LONGEST = 96, 8, 100, 1
HUGE = 100 << 20
DEEP = 100_000
EVIL = ["' OR '1'='1", "x'; DROP TABLE jobs; --", '" OR ""="', "%", "*", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "{{7*7}}",
        "${jndi:ldap://x}", "<script>alert(1)</script>", "\\x00", "a\r\nX-Evil: 1", "\u202e", "x" * 4000, "-1", "NaN", "1e400",
        "9" * 400, "null", "[]", "{}", "true", "\ud800", "0; SELECT sleep(10)", "job-0001' UNION SELECT value FROM notes --"]
PATHS = ["/api/v1/../../etc/passwd", "/../../../etc/passwd", "/api/v1/jobs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
         "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/api/v1/jobs/..", "/api/v1/jobs/..%2f..%2f..%2fstatus",
         "/api/v1/runs/..%2f..%2fcarillon.db/log", "/api/v1/runs/%2e%2e%2f%2e%2e%2fapi-token/log", "/api/v1/jobs/%00",
         "/api/v1/jobs/%ff%fe", "/api/v1/jobs/%zz", "/api/v1/jobs/%", "/api/v1//..//..//state/api-token", "/..", "//",
         "/api/v1/jobs/a%0d%0aX-Evil:%201", "\\..\\..\\etc\\passwd", "http://[::1", "*",
         "/api/v1/jobs?limit=1;limit=2", "/api/v1/runs/" + "0" * 10_000]


class Siege:
    def __init__(self, daemon):
        self.daemon, self.faults, self.answers = daemon, [], {}
        self.head = f"Host: 127.0.0.1:{daemon.port}\r\nAuthorization: Bearer {daemon.token}\r\n"

    def note(self, what, status, isFine):
        """Keeps what an attack was answered with; 0 is a connection that was closed."""
        kinds = self.answers.setdefault(what, {})
        kinds[status] = kinds.get(status, 0) + 1
        if not isFine: self.faults.append(f"{what} is answered {status}")

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.daemon.port, limit=1 << 20)

    async def answer(self, reader, seconds=30):
        """The status of an answer; 0 for a connection that was closed, and None when nothing comes."""
        try:
            line = await asyncio.wait_for(reader.readline(), seconds)
            return int(line.split()[1]) if line else 0
        except TimeoutError:
            return None
        except (OSError, asyncio.IncompleteReadError, ValueError, IndexError):
            return 0

    async def send(self, what, head, body=iter(()), fine=range(400, 500)):
        """Sends as much of it as is taken, and looks what it is answered."""
        reader, writer = await self.connect()
        answered = asyncio.create_task(self.answer(reader, 60))
        try:
            writer.write(head if isinstance(head, bytes) else head.encode())
            for part in body:
                writer.write(part)
                # Whoever has answered need not read on.
                await asyncio.wait([answered, asyncio.ensure_future(writer.drain())], return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(0)
                if answered.done(): break
        except OSError:
            pass
        status = await answered
        self.note(what, status, status == 0 or status in fine)
        writer.close()

    # Slowness

    async def slow(self, number, seconds):
        """A byte a second of a head, or of a body."""
        reader = writer = None
        try:
            reader, writer = await self.connect()
            isBody = number % 2 == 0
            start = f"POST /api/v1/preview HTTP/1.1\r\n{self.head}" + ("Content-Length: 5000\r\n\r\n" if isBody else "X-Slow: ")
            writer.write(start.encode())
            answered = asyncio.create_task(self.answer(reader, seconds + 5))
            end = time.monotonic() + seconds
            while time.monotonic() < end and not answered.done():
                writer.write(b" ")
                await asyncio.wait([answered], timeout=1)
            status = answered.result() if answered.done() else None
            answered.cancel()
        except OSError:
            status = 0
        finally:
            if writer: writer.close()
        return ("a slow body" if number % 2 == 0 else "a slow head"), status

    async def crowd(self, number, seconds):
        for what, status in await asyncio.gather(*[self.slow(each, seconds) for each in range(number)]):
            self.note(what, status, status is None or status == 0 or 400 <= status < 500)

    # Size

    async def bodies(self):
        part = b"x" * (1 << 16)
        for path in ("/api/v1/jobs", "/api/jobs", "/api/v1/nothing", "/api/v1/preview"):
            start = f"POST {path} HTTP/1.1\r\n{self.head}"
            await self.send("a body of 100 MiB", f"{start}Content-Length: {HUGE}\r\n\r\n", (part for _ in range(HUGE // len(part))))
            await self.send("100 MiB in chunks", f"{start}Transfer-Encoding: chunked\r\n\r\n",
                            (b"10000\r\n" + part + b"\r\n" for _ in range(HUGE // len(part))))
        for words in ("Content-Length: 99999999999999999999", "Content-Length: -1", "Content-Length: 5\r\nContent-Length: 6",
                      "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked, identity",
                      "Transfer-Encoding: gzip"):
            await self.send("a length that is none", f"POST /api/v1/jobs HTTP/1.1\r\n{self.head}{words}\r\n\r\n", iter([b"hello"]))
        await self.send("a chunk that is none", f"POST /api/v1/jobs HTTP/1.1\r\n{self.head}Transfer-Encoding: chunked\r\n\r\n",
                        iter([b"FFFFFFFFFFFFFFFFFF\r\nx"]))

    async def heads(self):
        start = f"GET /api/v1/jobs HTTP/1.1\r\n{self.head}"
        many = (b"".join(b"X-%d-%d: y\r\n" % (each, every) for every in range(100)) for each in range(1000))
        await self.send("100,000 headers", start, many)
        await self.send("a header of 10 MB", start + "X-Long: ", (b"y" * 100_000 for _ in range(100)))
        await self.send("headers of 10 MB", start, (b"X-%d: " % each + b"y" * 10_000 + b"\r\n" for each in range(1000)))
        await self.send("a path of 10 MB", "GET /", (b"y" * 100_000 for _ in range(100)))
        for text in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, b"\0" * 1000, b"GET\r\n\r\n",
                     b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n : x\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", b"\xff" * 5000 + b"\r\n\r\n"):
            await self.send("what is no HTTP", text)

    # Texts

    async def paths(self):
        for path in PATHS:
            await self.send(f"the path {path[:60]}", f"GET {path} HTTP/1.1\r\n{self.head}Connection: close\r\n\r\n")

    def ask(self, method, path, body=None, headers={}):
        """The status, and what is answered; 0 for nothing."""
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.daemon.token}", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def texts(self):
        for text in EVIL:
            given = urllib.parse.quote(text.encode(errors="surrogatepass"), safe="")
            for path in (f"/api/v1/jobs/{given}", f"/api/v1/jobs/{given}/why", f"/api/v1/runs/{given}", f"/api/v1/runs/{given}/log",
                         f"/api/jobs/{given}", f"/api/runs/{given}", f"/api/v1/jobs/{given}/definition"):
                status, _ = self.ask("GET", path)
                self.note("a name", status, status == 0 or 400 <= status < 500)
            for path, keys in (("/api/v1/jobs", ("name", "tag", "state", "sort", "after", "limit", "cursor")),
                               ("/api/v1/runs", ("job", "state", "trigger", "since", "until", "limit", "cursor")),
                               ("/api/runs", ("jobName", "status", "createdBefore")),
                               ("/api/v1/audit", ("subject", "user", "action")),
                               ("/api/v1/agenda", ("from", "until", "name", "tag")), ("/api/v1/skips", ("job", "since"))):
                for key in keys:
                    status, answer = self.ask("GET", f"{path}?{key}={given}")
                    # What is a text is looked for, and is not there; a pattern may find all, and so may what comes after.
                    isFound = status == 200 and key not in ("after", "limit") and text not in ("*", "%") and self.has(answer)
                    self.note("a filter", status, (status == 200 or status == 0 or 400 <= status < 500) and not isFound)

    @staticmethod
    def has(answer):
        try:
            answer = json.loads(answer)
        except ValueError:
            return True
        return bool(answer["items"] if isinstance(answer, dict) else answer)

    def documents(self):
        quoted = [json.dumps(text).encode() for text in EVIL]
        nested = [b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'{"name":' + b"[" * DEEP, b"[" * (1 << 20)]
        numbers = [b"1e400", b"-1e400", b"9" * 1000, b"1" + b"0" * 100_000, b"0.1e-99999", b"-0", b"01", b"NaN", b"Infinity"]
        texts = [b'"\x00"', b'"\\u0000"', b'"\xff\xfe"', b'"\xc0\xaf"', b'"\\ud800"', b'"\xed\xa0\x80"',
                 b'"' + b"x" * 100_000 + b'"']
        bodies = nested + numbers + texts + quoted + [b"", b"\xef\xbb\xbf{}", b"\x00", b"{" + b'"a":1,' * 50_000 + b'"a":1}',
                                                     b"{" + b",".join(b'"k%d":1' % each for each in range(50_000)) + b"}"]
        for value in numbers + texts + quoted + nested[:1]:
            bodies.append(b'{"name":' + value + b',"interval":1000,"nextRunAt":"2060-01-01T00:00:00Z"}')
            bodies.append(b'{"name":"evil","interval":' + value + b',"nextRunAt":' + value + b"}")
            bodies.append(b'{"name":"evil","bus":{},"cron":' + value + b',"tags":[' + value + b'],"timeout":' + value + b"}")
            bodies.append(b'{"name":' + value + b',"bus":{},"cron":"0 0 1 1 *"}')
            bodies.append(b'{"cron":' + value + b',"count":' + value + b"}")
        for body in bodies:
            for method, path in (("POST", "/api/v1/jobs"), ("POST", "/api/jobs"), ("POST", "/api/v1/preview"),
                                 ("PATCH", "/api/jobs/good"), ("POST", "/api/v1/jobs/good/backfill"), ("POST", "/api/v1/pause")):
                status, answer = self.ask(method, path, body, {"Content-Type": "application/json"})
                isFine = status == 0 or 200 <= status < 300 or 400 <= status < 500
                # A name may be any text; then it is kept as it stands, and is no part of any statement.
                if status == 201: isFine = self.isKept(answer, body)
                self.note("a document", status, isFine)
                if not isFine: print(f"{method} {path} of {body[:80]}: {status}, {answer[:200]}", flush=True)

    def isKept(self, answer, body):
        name = json.loads(answer)["name"]
        status, _ = self.ask("DELETE", "/api/v1/jobs/" + urllib.parse.quote(name, safe=""))
        try:
            return status == 204 and name == json.loads(body)["name"]
        except ValueError:
            return False


class Watch(threading.Thread):
    """Looks at the daemon meanwhile, and asks it as anybody might."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.server, self.isOver, self.memory, self.descriptors, self.took, self.failures = daemon, False, [], [], [], []

    def run(self):
        while not self.isOver:
            self.memory.append(self.server.resident())
            self.descriptors.append(self.server.descriptors())
            began = time.monotonic()
            try:
                status, _ = self.server.call("GET", "/api/v1/jobs/job-0007", timeout=10)
                if status != 200: self.failures.append(f"an ordinary client is answered {status}")
            except OSError as error:
                self.failures.append(f"an ordinary client is not answered: {error!r}")
            self.took.append(time.monotonic() - began)
            time.sleep(0.2)


def lateness(folder, since):
    """In milliseconds, from a scheduled time until its run would have gone out: the median and p99, and how many runs there are."""
    db = sqlite3.connect(f"file:{folder}/state/carillon.db?mode=ro", uri=True, timeout=30)
    late = [late / 1000 for late, in db.execute(
        "SELECT ended_at - scheduled_at FROM runs WHERE scheduled_at >= ? AND ended_at IS NOT NULL", [int(since * 1e6)])]
    db.close()
    cut = statistics.quantiles(late, n=100)
    return cut[49], cut[98], len(late)


parser = argparse.ArgumentParser(prog="scripts/api-siege.sh")
parser.add_argument("binary", help=argparse.SUPPRESS)
parser.add_argument("--slow", type=int, default=2000, help="connections that say a byte a second")
parser.add_argument("--seconds", type=int, default=75, help="for which they do: who sends no whole head is closed after 60")
options = parser.parse_args()
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
folder = tempfile.mkdtemp(prefix="carillon-api-siege-")
daemon = APIDaemon(options.binary, folder)
try:
    daemon.give("ticking", [ticking(number) for number in range(TICKING)])
    serve(daemon)
    daemon.make_token()
    status, answer = daemon.call("POST", "/api/jobs", {"name": "good", **DISTANT})
    if status != 201: sys.exit(f"a job is answered {status}: {answer}")
    # What every connection needs once is no growth.
    for _ in range(2000): daemon.call("GET", "/api/v1/jobs/job-0007")
    time.sleep(10)
    began = time.time()
    time.sleep(20)
    median, p99, count = lateness(folder, began)
    print(f"before: lateness {median:.1f} ms, p99 {p99:.1f}, of {count:,} runs", flush=True)
    memory, descriptors = daemon.resident(), daemon.descriptors()
    siege, watch, broken = Siege(daemon), Watch(daemon), []
    watch.start()
    for name, attack in (("slow connections", lambda: asyncio.run(siege.crowd(options.slow, options.seconds))),
                         ("bodies", lambda: asyncio.run(siege.bodies())), ("heads", lambda: asyncio.run(siege.heads())),
                         ("paths", lambda: asyncio.run(siege.paths())), ("texts", siege.texts), ("documents", siege.documents)):
        began, place = time.time(), len(watch.memory)
        attack()
        if daemon.process.poll() is not None:
            sys.exit(f"the daemon is gone after {name}:\n" + open(folder + "/daemon.log").read()[-2000:])
        took = time.time() - began
        # Those of the last moment are in the ledger by then.
        time.sleep(2)
        median, p99, count = lateness(folder, began)
        most = [max(looks[place:], default=0) for looks in (watch.memory, watch.descriptors, watch.took)]
        print(f"{name}: {took:.0f} s; {most[0]:.0f} MiB at most, {most[1]} descriptors; an ordinary answer within "
              f"{most[2] * 1000:.0f} ms; lateness {median:.1f} ms, p99 {p99:.1f}, of {count:,} runs", flush=True)
        if p99 > MOST_LATE: broken.append(f"{name}: lateness p99 is {p99:.1f} ms, more than {MOST_LATE}")
    watch.isOver = True
    watch.join()
    time.sleep(5)
    for what, kinds in siege.answers.items():
        words = {0: "closed", None: "still open"}
        print(f"  {what}: " + ", ".join(f"{count:,} {words.get(status, status)}" for status, count in sorted(
            kinds.items(), key=lambda pair: pair[0] or 0)))
    after, left = daemon.resident(), daemon.descriptors()
    peak = max(watch.memory)
    print(f"resident: {memory:.0f} MiB before, {peak:.0f} at most, {after:.0f} after; descriptors: {descriptors} before, "
          f"{left} after")
    if (grown := max(peak, after) - memory) > MOST_MEMORY:
        broken.append(f"memory grew by {grown:.0f} MiB, more than {MOST_MEMORY}")
    if left - descriptors > MOST_DESCRIPTORS: broken.append(f"{left - descriptors} descriptors are left")
    if max(watch.took) > LONGEST: broken.append(f"an ordinary answer took {max(watch.took):.1f} s")
    broken += sorted(set(siege.faults)) + sorted(set(watch.failures))
    if (status := daemon.call("GET", "/api/jobs/good")[0]) != 200: broken.append(f"a job that was there is answered {status}")
    stop(daemon)
finally:
    daemon.kill()
    shutil.rmtree(folder, ignore_errors=True)
if broken: sys.exit("not kept:\n" + "\n".join(broken))

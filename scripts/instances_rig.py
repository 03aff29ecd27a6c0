"""Several daemons on one store, each behind a proxy of its own, for instances.py."""
import datetime, json, os, selectors, signal, socket, subprocess, threading, time
from rig import Daemon, Server, free_port


def text(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Proxy(threading.Thread):
    """Between a client and a server; holds back what both say as long as it is told to, and delivers it then."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.holds = target, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.pump, args=(client,), daemon=True).start()

    def pump(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            return client.close()
        ends = {client: server, server: client}
        # Small answers are not held back for an acknowledgement.
        for end in ends: end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with selectors.DefaultSelector() as both, client, server:
            for end in ends: both.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in both.select():
                    try:
                        data = key.fileobj.recv(1 << 16)
                        # Whoever sent it may be gone by the time it arrives.
                        while self.holds.is_set(): time.sleep(0.05)
                        if not data: return
                        ends[key.fileobj].sendall(data)
                    except OSError:
                        return


class Redis(Server):
    def __init__(self, folder):
        self.port = free_port()
        super().__init__(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", folder],
                         None, folder + "/redis.log")

    def ask(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port), *words], check=True, stdout=subprocess.PIPE, text=True).stdout


class Instance(Daemon):
    """One daemon; only itself is killed, as its programs are not its own."""

    def __init__(self, binary, folder, name, store, settings, environment={}, top=""):
        self.proxy, self.name = Proxy(store.port), name
        self.proxy.start()
        place = f"{folder}/{name}"
        os.mkdir(place)
        super().__init__(binary, place, f"""{top}
[store]
url = "{store.url(self.proxy.port)}"
{settings}
""")
        self.environment.update(environment)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        """Answers how it ended."""
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def instances(self):
        return [json.loads(line) for line in self.ask("instances", "list", "--json").splitlines()]

    def runs(self):
        lines = self.ask("runs", "list", "--json", "--limit", "1000000", "--client-timeout", "120s").splitlines()
        return [json.loads(line) for line in lines]

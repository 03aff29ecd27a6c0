"""A server of MongoDB's protocol in a temporary folder, for the scripts beside it."""
import os, socket, sys, time
from rig import Server, free_port

PROGRAM = """
import os, signal, sys, threading
from secantus import SecantusDBServer
server = SecantusDBServer(storage_path=sys.argv[1], port=int(sys.argv[2]), replica_set_name=None,
                          durable=sys.argv[3] == "durable")
# Its threads wait for one lock: what is short should not wait five milliseconds for what is long.
sys.setswitchinterval(0.0005)
over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())
server.start()
over.wait()
server.stop()
"""


class Mongo(Server):
    """A real one over WiredTiger; a durable one has everything on its disk that it says is there, which is for what kills it."""

    def __init__(self, folder, is_durable=True):
        self.port, program = free_port(), folder + "/mongo.py"
        with open(program, "w") as file: file.write(PROGRAM)
        python = os.path.join(os.path.dirname(__file__), "../.build/venvs/mongo/bin/python")
        super().__init__([python, program, folder + "/mongo", str(self.port),
                          "durable" if is_durable else "quick"], None, folder + "/mongo.log")

    def ready(self):
        for _ in range(600):
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
        sys.exit("the server of MongoDB's protocol does not come up")

    def restart(self):
        self.kill()
        self.start()

    def database(self):
        return self.url(self.port)

    def url(self, port):
        """The address of its database, over a port of this machine."""
        return f"mongodb://127.0.0.1:{port}/carillon"

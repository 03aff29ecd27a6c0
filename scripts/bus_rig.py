"""A RabbitMQ server and a daemon in a temporary folder, for bus-kills.py and bus-many.py."""
import contextlib, shutil, signal, subprocess, sys, tempfile, time
import pika
from rig import Daemon, Server, free_port

# The scripts in RabbitMQ's own folder: those on the PATH are Debian's, for a server of the whole machine.
RABBITMQ = "/usr/lib/rabbitmq/bin/"
# What pika raises when the broker is away; the last when it went in the very moment of connecting.
AWAY = (pika.exceptions.AMQPError, OSError, ValueError)


class Broker(Server):
    def __init__(self, folder):
        port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{port}/"
        with open(folder + "/rabbitmq.conf", "w") as file:
            file.write(f"listeners.tcp.1 = 127.0.0.1:{port}\ndisk_free_limit.absolute = 1MB\n")
        with open(folder + "/plugins", "w") as file:
            file.write("[].\n")
        super().__init__([RABBITMQ + "rabbitmq-server"], {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": folder,
            # Told that it runs under systemd, the script becomes the server itself.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": f"measured-{port}@localhost", "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONFIG_FILE": folder + "/rabbitmq", "RABBITMQ_CONF_ENV_FILE": folder + "/none",
            "RABBITMQ_MNESIA_BASE": folder + "/data", "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_FEATURE_FLAGS_FILE": folder + "/flags", "RABBITMQ_PID_FILE": folder + "/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder + "/plugins", "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
        }, folder + "/broker.log")

    def connect(self):
        """Connects; waits for a server that is on its way up."""
        for _ in range(600):
            try:
                return pika.BlockingConnection(pika.URLParameters(self.url))
            except AWAY:
                if self.process.poll() is not None: break
                time.sleep(0.1)
        sys.exit("the broker does not come up")

    def rows(self, *words):
        """What a list command of rabbitmqctl answers, as lists of text."""
        text = subprocess.run([RABBITMQ + "rabbitmqctl", "-q", "--no-table-headers", *words], env=self.environment,
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        return [line.split("\t") for line in text.splitlines()]


@contextlib.contextmanager
def rig(binary):
    """Both, the broker answering. What fails leaves the folder for a look."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = tempfile.mkdtemp(prefix="carillon-bus-")
    broker = Broker(folder)
    daemon = Daemon(binary, folder, f'[bus]\nurl = "{broker.url}"\n[ledger]\nkeep_per_job = 1000000\n')
    try:
        try:
            broker.start()
            broker.connect().close()
            yield broker, daemon
        finally:
            daemon.kill()
            broker.kill()
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        sys.exit(130)
    except BaseException:
        print(f"its files are left in {folder}", flush=True)
        raise
    shutil.rmtree(folder)

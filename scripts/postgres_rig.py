"""A PostgreSQL server in a temporary folder, for the scripts beside it."""
import glob, os, pwd, signal, subprocess, sys, time
from rig import Server, free_port


class Postgres(Server):
    """A server with everything on its disk that it says is there."""

    def __init__(self, folder):
        self.port, self.data = free_port(), folder + "/postgres"
        self.programs = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        # It refuses root.
        self.become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if os.geteuid() == 0 else []
        os.mkdir(self.data, 0o700)
        if self.become:
            user = pwd.getpwnam("postgres")
            os.chown(self.data, user.pw_uid, user.pw_gid)
            os.chmod(folder, 0o711)
        self.run("initdb", "-D", self.data, "-U", "carillon", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        super().__init__(self.become + [
            self.programs + "/postgres", "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
            "-c", "unix_socket_directories=", "-c", "max_connections=300"], None, folder + "/postgres.log")

    def run(self, program, *words):
        subprocess.run(self.become + [f"{self.programs}/{program}", *words], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def ready(self):
        for _ in range(600):
            if subprocess.run([self.programs + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit("PostgreSQL does not come up")

    def database(self):
        """Makes an empty database, and answers its address."""
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "carillon", "carillon")
        return self.url(self.port)

    def url(self, port):
        """The address of its database, over a port of this machine."""
        return f"postgres://carillon@127.0.0.1:{port}/carillon?sslmode=disable"

    def query(self, sql):
        """What a statement answers, a line for each row."""
        return subprocess.run(
            [self.programs + "/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "carillon", "-d", "carillon", "-qAt",
             "-v", "ON_ERROR_STOP=1", "-c", sql], check=True, stdout=subprocess.PIPE, text=True, cwd="/").stdout.splitlines()

    def used(self):
        """Seconds of a core that all its processes have had."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], stdout=subprocess.PIPE, text=True).stdout.split()
        total = 0
        for process in [str(self.process.pid)] + found:
            try:
                with open(f"/proc/{process}/stat") as file: fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def load(self, script, rate, seconds):
        """Carries a script of pgbench out so many times a second; answers what it cost."""
        wal = "SELECT pg_current_wal_insert_lsn() - '0/0'"
        bench = subprocess.Popen(
            [self.programs + "/pgbench", "-n", "-h", "127.0.0.1", "-p", str(self.port), "-U", "carillon", "-f", script,
             "-c", "10", "-j", "1", "-R", str(rate), "-T", str(seconds + 4), "carillon"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd="/")
        time.sleep(2)
        before, written, start = self.used(), float(self.query(wal)[0]), time.time()
        time.sleep(seconds)
        cores = (self.used() - before) / (time.time() - start)
        written = (float(self.query(wal)[0]) - written) / (time.time() - start)
        lines = bench.communicate()[0].splitlines()
        done = next(float(line.split()[2]) for line in lines if line.startswith("tps = "))
        return {"rate": done, "cores": cores, "wal": written}

    def kill(self):
        if not self.process or self.process.poll() is not None: return
        # Each of its processes has a group of its own, and a new server waits for the last of them.
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], stdout=subprocess.PIPE, text=True).stdout.split()
        for process in [str(self.process.pid)] + found:
            try:
                os.kill(int(process), signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def restart(self):
        self.run("pg_ctl", "stop", "-D", self.data, "-m", "immediate")
        self.process.wait()
        self.start()

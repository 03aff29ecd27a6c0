"""A daemon, and servers beside it, in a temporary folder: for the scripts that kill them."""
import json, os, signal, socket, subprocess, sys


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """A process with its children in a group of its own; its log is a file."""

    def __init__(self, words, environment, log):
        self.words, self.environment, self.log, self.process = words, environment, log, None

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.words, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Daemon(Server):
    def __init__(self, binary, folder, settings):
        self.binary, self.folder = os.path.abspath(binary), folder
        self.place = ["--config", folder + "/carillon.toml", "--state-dir", folder + "/state"]
        os.mkdir(folder + "/jobs.d")
        with open(folder + "/carillon.toml", "w") as file:
            file.write(settings)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CARILLON_")}
        super().__init__([self.binary, "serve", *self.place], environment, folder + "/daemon.log")

    def give(self, name, jobs):
        """Writes a job file, which is there all at once."""
        with open(f"{self.folder}/{name}", "w") as file:
            file.writelines(jobs)
        os.rename(f"{self.folder}/{name}", f"{self.folder}/jobs.d/{name}.toml")

    def ask(self, *words):
        """What a command prints."""
        done = subprocess.run([self.binary, *words, *self.place], env=self.environment, stdout=subprocess.PIPE, text=True)
        # 5: it runs, and something needs a look.
        if done.returncode not in (0, 5): sys.exit(f"carillon {' '.join(words)} ended with {done.returncode}")
        return done.stdout

    def status(self):
        return json.loads(self.ask("status", "--json"))

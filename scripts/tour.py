"""Runs the commands of a document's `console` blocks, in order, with one daemon: on a terminal of 80 columns, then in a pipe.

A line that begins with `$ ` is a command, and what stands below it its output: the same, but for times, ids and lengths of
time. An id in a command is the one that was printed where the document shows it. A command ends with 0, or with what its
comment says: `# exit code 5`. On the terminal no line is wider than it; in the pipe nothing is cut and nothing is painted.
"""

import fcntl
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata

WIDTH = 80
PATIENCE = 30

ID = re.compile(r"\b[0-9a-f]{10,24}\b")
AGO = r"(?:now|in \d+ (?:s|min|h|d)|\d+ (?:s|min|h|d) ago)"
CHANGING = [
    (ID, "ID"),
    (re.compile(r"(?:\w{3} |[\d-]{10}[ T])?\d\d:\d\d(?::\d\d)?(?:Z| [A-Z]{3,4})(?:, " + AGO + r"| \(" + AGO + r"\))?"), "TIME"),
    (re.compile(AGO), "TIME"),
    (re.compile(r"\d+(?:\.\d)? (?:ms|s|min|h|d)\b"), "LENGTH"),
    (re.compile(r"\s+"), " "),
]


def steps(document):
    """The commands, each with the lines of output that stand below it."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", document, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def cells(line):
    """How many cells of a terminal a line takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in line
    )


def shape(line):
    """A line without what differs from day to day."""
    for pattern, word in CHANGING:
        line = pattern.sub(word, line)
    return line.strip()


class Tour:
    """One way through the document, in a state directory of its own."""

    def __init__(self, state, on_terminal):
        self.state = state
        self.on_terminal = on_terminal
        self.log = open(f"{state}/daemon.log", "w+")
        self.environment = {
            "CARILLON_STATE": state, "HOME": state, "LANG": "C.UTF-8", "PATH": os.environ["PATH"], "TERM": "xterm"
        }
        self.daemons = []
        self.ids = {}
        self.mistakes = []

    def walk(self, steps):
        """Runs everything; returns what was wrong."""
        try:
            for command, expected in steps:
                words = ID.sub(lambda id: self.ids.get(id[0], id[0]), command)
                if words.endswith("&"):
                    self.start(words.removesuffix("&"))
                else:
                    self.check(words, *self.run(words), expected)
        finally:
            for daemon in self.daemons:
                daemon.send_signal(signal.SIGTERM)
                if daemon.wait(PATIENCE) != 0:
                    self.mistakes.append(f"{daemon.args}: ended with {daemon.returncode}")
        if self.mistakes:
            self.log.seek(0)
            self.mistakes.append("the daemon said:\n" + self.log.read())
        return self.mistakes

    def start(self, command):
        """Starts what goes on beside the others."""
        self.daemons.append(
            subprocess.Popen(
                ["bash", "-c", "exec " + command], env=self.environment, cwd=self.state, stdin=subprocess.DEVNULL,
                stdout=self.log, stderr=self.log))

    def run(self, command):
        """Runs a command to its end; returns its exit code and what it printed."""
        if self.on_terminal:
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
        else:
            ours, theirs = os.pipe()
        process = subprocess.Popen(
            ["timeout", str(PATIENCE), "bash", "-c", command], env=self.environment, cwd=self.state,
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        os.close(theirs)
        pieces = []
        try:
            while piece := os.read(ours, 1 << 16):
                pieces.append(piece)
        except OSError:
            pass  # EIO: nobody has the terminal any more.
        os.close(ours)
        return process.wait(), b"".join(pieces).decode()

    def check(self, command, code, text, expected):
        """Notes what is wrong with a command's end and output."""
        promised = re.search(r"# .*\bexit code (\d+)", command)
        mistakes = []
        if code != (int(promised[1]) if promised else 0):
            mistakes.append(f"ended with {code}")
        if self.on_terminal:
            text = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n")
        lines = text.splitlines()
        if self.on_terminal:
            mistakes += [f"{cells(line)} cells wide: {line}" for line in lines if cells(line) > WIDTH]
        elif "…" in text or "\x1b" in text:
            mistakes.append("cut or painted, in a pipe")
        if expected and list(map(shape, lines)) != list(map(shape, expected)):
            mistakes.append("is not what the document shows:\n" + "\n".join(expected))
        for line, shown in zip(lines, expected):
            self.ids.update(zip(ID.findall(shown), ID.findall(line)))
        print(f"$ {command}\n{text}", end="")
        if mistakes:
            self.mistakes.append(f"$ {command}\n{text}" + "\n".join(mistakes))


def main(path):
    """Goes both ways through a document; returns 1 when something is not as it says."""
    found = steps(pathlib.Path(path).read_text())
    if not found:
        sys.exit(f"{path} has no console block")
    mistakes = []
    for on_terminal in [True, False]:
        print(f"== {f'on a terminal of {WIDTH} columns' if on_terminal else 'in a pipe'}")
        with tempfile.TemporaryDirectory() as state:
            mistakes += Tour(state, on_terminal).walk(found)
    if mistakes:
        sys.exit("== not as the tour says\n" + "\n\n".join(mistakes))


main(sys.argv[1])

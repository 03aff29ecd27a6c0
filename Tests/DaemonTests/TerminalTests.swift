import CarillonTestSupport
import Foundation
import Testing

/// What a person sees on a terminal of 80 columns, and a program in a pipe.
@Suite struct TerminalTests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    /// The lines that a command shows on such a terminal (script(1)), without colours.
    private func screen(_ words: String) async throws -> [String] {
        let line = "script -qefc 'stty cols 80 rows 24; \"$C\" \(words)' /dev/null </dev/null"
        let text = try await daemon.shell(line).output
        return text.replacing(/\x1b\[[0-9;]*m/, with: "").split(whereSeparator: \.isNewline).map(String.init)
    }

    @Test(.timeLimit(.minutes(5))) func everythingFits() async throws {
        try daemon.folder.write("jobs.d/bad.toml", "[[job]]\nname = \"bad\"\ncron = \"61 * * * *\"\nshell = \"x\"\n")
        try await daemon.start()
        for arguments in [
            [
                "nightly-report-of-the-whole-house", "--cron", "0 19 * * MON-FRI", "--zone", "America/New_York", "--",
                "/bin/echo", "x",
            ],
            ["sync", "--every", "1s", "--shell", "true"],
            [
                "boom", "--every", "1h", "--shell",
                "echo 'ValueError: no money was found in any of the accounts' >&2; exit 3",
            ],
        ] {
            let added = try await daemon.carillon(["jobs", "add"] + arguments)
            #expect(added.code == 0, "\(added)")
        }
        #expect(try await daemon.carillon("jobs", "run", "boom", "--wait").code == 3)
        #expect(try await daemon.carillon("jobs", "run", "nightly-report-of-the-whole-house", "--wait").code == 0)
        #expect(try await daemon.carillon("jobs", "disable", "sync").code == 0)
        for command in [
            "jobs list", "jobs list --sort next", "runs list", "agenda", "agenda --from 1h --to now", "audit",
            "why boom 00:00",
        ] {
            let lines = try await screen(command)
            #expect(lines.count > 1, "\(command) shows nothing")
            for line in lines where !line.hasPrefix("error: ") { #expect(line.count <= 80, "\(command): \(line)") }
        }
        // Ids and times are whole, with their zone, and what is shown of an id is enough to ask for it.
        let runs = try await screen("runs list")
        let line = try #require(runs.first { $0.contains("boom") })
        #expect(line.contains(/^[0-9a-f]{10,24}  boom +\S+ UTC, (now|\d+ s ago) +failed/), "\(line)")
        let id = String(line.prefix { $0 != " " })
        #expect(try await daemon.carillon("runs", "show", id).output.contains("exit code   3"))
        #expect(try await screen("jobs list").contains { $0.contains(/19:00 E[SD]T, in \d+ (h|min|d|s)/) })
        #expect(await daemon.stop() == 0)
    }

    @Test(
        .timeLimit(.minutes(5)),
        arguments: [
            "", "serve", "jobs", "jobs list", "jobs add", "jobs set", "jobs edit", "jobs export", "jobs disable",
            "jobs run",
            "runs", "runs list", "runs logs", "runs retry", "agenda", "why", "status", "pause", "next", "validate",
            "audit",
            "config show", "import crontab", "rq", "btu",
        ])
    func helpFits(_ command: String) async throws {
        let lines = try await screen("\(command) --help")
        #expect(lines.count > 3)
        for line in lines { #expect(line.count <= 80, "\(command): \(line)") }
    }

    /// The words that a shell offers for what only a daemon knows.
    @Test(.timeLimit(.minutes(5))) func namesAreCompleted() async throws {
        try await daemon.start()
        for name in ["pay-roll", "pay-back", "other"] {
            #expect(try await daemon.carillon("jobs", "add", name, "--every", "1h", "--shell", "true").code == 0)
        }
        let script = try await daemon.carillon("--generate-completion-script", "bash").output
        #expect(script.contains("---completion"))
        let path = try daemon.folder.write("complete.bash", script)
        let line = """
            bash -c '. \(path); carillon() { "$C" "$@"; }; export -f carillon; PATH=$(dirname "$C"):$PATH; \
            COMP_WORDS=(carillon jobs show pay); COMP_CWORD=3; COMP_LINE="carillon jobs show pay"; COMP_POINT=22; _carillon; \
            printf "%s\\n" "${COMPREPLY[@]}"'
            """
        let offered = try await daemon.shell(line)
        #expect(
            Set(offered.lines.map { $0.trimmingCharacters(in: .whitespaces) }) == ["pay-back", "pay-roll"], "\(offered)"
        )
        #expect(await daemon.stop() == 0)
    }

    /// The same as somebody sees it who types in a terminal and presses the tab key twice.
    @Test(.timeLimit(.minutes(5)), arguments: ["zsh", "fish"])
    func namesAreCompletedWhileOneTypes(_ shell: String) async throws {
        try await daemon.start()
        for name in ["pay-roll", "pay-back", "other"] {
            #expect(try await daemon.carillon("jobs", "add", name, "--every", "1h", "--shell", "true").code == 0)
        }
        let script = try await daemon.carillon("--generate-completion-script", shell).output
        try daemon.folder.write("zsh/functions/_carillon", script)
        try daemon.folder.write(
            "zsh/.zshrc", "PROMPT='READY> '\nfpath=($ZDOTDIR/functions $fpath)\nautoload -U compinit\ncompinit -u\n")
        try daemon.folder.write("fish/completions/carillon.fish", script)
        try daemon.folder.write(
            "fish/config.fish", "function fish_prompt; echo -n 'READY> '; end\nfunction fish_greeting; end\n")
        let typing = try daemon.folder.write(
            "type.py",
            """
            import os, pty, re, select, sys, time
            child, screen = pty.fork()
            if child == 0: os.execvp(sys.argv[1], [sys.argv[1], "-i"])
            def read(wanted):
                shown, end = b"", time.monotonic() + 60
                while not re.search(wanted, shown) and time.monotonic() < end:
                    if select.select([screen], [], [], 0.1)[0]: shown += os.read(screen, 65536)
                    # Whatever it is painted with.
                    shown = re.sub(rb"\\x1b(\\[[0-9;?]*[A-Za-z]|[()].|[=>])", b"", shown)
                return shown
            read(b"READY> ")
            os.write(screen, b"carillon jobs show pay\\t\\t")
            print(read(rb"pay-back[\\s\\S]*pay-roll|pay-roll[\\s\\S]*pay-back").decode(errors="replace"))
            os.kill(child, 9)
            """)
        let shown = try await daemon.shell(
            """
            PATH=$(dirname "$C"):$PATH TERM=xterm ZDOTDIR=\(daemon.state)/zsh XDG_CONFIG_HOME=\(daemon.state) \
            python3 \(typing) \(shell)
            """)
        for name in ["pay-roll", "pay-back"] { #expect(shown.output.contains(name), "\(shown)") }
        #expect(!shown.output.contains("other"), "\(shown)")
        #expect(await daemon.stop() == 0)
    }

    /// In a pipe nothing is cut and nothing is painted, and no line ends in blanks.
    @Test(.timeLimit(.minutes(5))) func aPipeGetsItWhole() async throws {
        try await daemon.start()
        let name = String(repeating: "long-", count: 39)
        #expect(try await daemon.carillon("jobs", "add", name, "--every", "1h", "--shell", "echo \(name)").code == 0)
        for command in [["jobs", "list"], ["agenda"], ["jobs", "show", name]] {
            let output = try await daemon.carillon(command).output
            #expect(output.contains(name) && !output.contains("…") && !output.contains("\u{1b}"), "\(output)")
            #expect(!output.contains(" \n"), "\(output)")
        }
        #expect(try await daemon.shell("\"$C\" jobs list >/dev/full").code == 1, "a full disk is said")
        #expect(await daemon.stop() == 0)
    }
}

import CarillonTestSupport
import Foundation
import Testing

/// What a daemon makes of the place and the process it is started in.
@Suite(.serialized, .timeLimit(.minutes(5))) struct StartTests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    private func mode(_ path: String) throws -> Int? {
        let attributes = try FileManager.default.attributesOfItem(atPath: daemon.state + "/" + path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue
    }

    private let job = "[[job]]\nname = \"a\"\nevery = \"1h\"\nshell = \"true\"\n"

    // MARK: Whose files these are

    @Test func aStateDirectoryThatWasOpenIsClosedAndThatIsSaid() async throws {
        #expect(chmod(daemon.state, 0o755) == 0)
        try await daemon.start()
        #expect(try mode("") == 0o700)
        #expect(try mode("control.sock") == 0o600)
        #expect(daemon.log.contains("the state directory was open to others (mode 0755); it has mode 0700 now"))
        #expect(await daemon.stop() == 0)
    }

    /// In the log and in `status`: without it no program starts.
    @Test func aShimThatIsNotThereIsSaid() async throws {
        try daemon.folder.write("carillon.toml", job)
        let said = try await daemon.shell(
            """
            CARILLON_SHIM=/nowhere/shim "$C" serve & serving=$!
            "$C" status --wait 20 >/dev/null; "$C" status; kill $serving; wait $serving
            """)
        #expect(said.code == 0 && said.output.contains("cannot run the shim /nowhere/shim: No such file"), "\(said)")
        #expect(
            said.error.contains("programs cannot start, and wait: the shim they run under cannot be run"), "\(said)")
        #expect(said.error.contains("shim=/nowhere/shim"), "\(said)")
    }

    @Test(.enabled(if: geteuid() == 0)) func anotherOwnersStateDirectoryIsRefused() async throws {
        #expect(chown(daemon.state, 65_534, 65_534) == 0)
        let refused = try await daemon.carillon("serve")
        #expect(refused.code == 2, "\(refused)")
        #expect(
            refused.error.contains(
                "belongs to nobody, who would decide what runs as root: chown -R root \(daemon.state)"))
    }

    @Test func aFolderThatOthersMayWriteIsRefused() async throws {
        try daemon.folder.write("jobs.d/a.toml", job)
        let folder = daemon.state + "/jobs.d"
        #expect(chmod(folder, 0o777) == 0)
        let refused = try await daemon.carillon("serve")
        #expect(refused.code == 2)
        #expect(refused.error == "carillon: \(folder): may be written by anybody (mode 0777): chmod go-w \(folder)\n")
    }

    @Test func aSettingsFileThatOthersMayWriteIsRefused() async throws {
        let file = try daemon.folder.write("carillon.toml", job)
        #expect(chmod(file, 0o666) == 0)
        let refused = try await daemon.carillon("serve")
        #expect(refused.code == 2 && refused.error.contains("chmod go-w \(file)"), "\(refused)")
    }

    @Test func aJobFileThatOthersMayWriteIsAProblemOfItsOwn() async throws {
        try daemon.folder.write("jobs.d/a.toml", job)
        let file = try daemon.folder.write("jobs.d/b.toml", job.replacing("\"a\"", with: "\"b\""))
        #expect(chmod(file, 0o646) == 0)
        try await daemon.start()
        let list = try await daemon.carillon("jobs", "list").output
        #expect(list.contains("may be written by anybody (mode 0646): chmod go-w"), "\(list)")
        func enabled() async throws -> Int {
            try await daemon.objects("jobs", "list").count { $0["state"] as? String == "enabled" }
        }
        #expect(try await enabled() == 1)
        // Mended, it counts without a restart.
        #expect(chmod(file, 0o644) == 0)
        try daemon.folder.write("jobs.d/c.toml", "")
        try await daemon.eventually("it is taken up") { try await enabled() == 2 }
        #expect(await daemon.stop() == 0)
    }

    // MARK: What it was started with

    /// A shell's line in which `$C` serves; ended with the value.
    private final class Line {
        let process = Process()

        init(_ line: String, _ daemon: DaemonFixture) throws {
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", line]
            process.environment = [
                "C": daemon.binary, "S": daemon.state, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": daemon.state,
            ]
            try process.start()
        }

        deinit { kill(process.processIdentifier, SIGKILL) }
    }

    @Test func closedDescriptorsBecomeNothing() async throws {
        let line = try Line("exec \"$C\" serve --state-dir \"$S\" 0<&- 1>&- 2>&-", daemon)
        try await daemon.eventually("it serves") { try await daemon.carillon("status").code == 0 }
        for number in 0...2 {
            let path = "/proc/\(line.process.processIdentifier)/fd/\(number)"
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "/dev/null")
        }
        kill(line.process.processIdentifier, SIGTERM)
        try await daemon.eventually("it ends") { !line.process.isRunning }
        #expect(line.process.terminationStatus == 0)
    }

    @Test(.enabled(if: geteuid() == 0)) func asTheFirstProcessItWaitsForOrphans() async throws {
        try daemon.folder.write(
            "jobs.d/a.toml",
            """
            [[job]]
            name = "leak"
            every = "1s"
            overlap = "allow"
            shell = "for i in 1 2 3; do (setsid sh -c 'echo . >> \(daemon.state)/orphans' &); done; exit 0"
            """)
        let line = try Line(
            "exec unshare --pid --fork --mount-proc --kill-child \"$C\" serve --state-dir \"$S\" 2> \"$S/daemon.log\"",
            daemon)
        try await daemon.eventually("orphans have ended") {
            let text = (try? String(contentsOfFile: daemon.state + "/orphans", encoding: .utf8)) ?? ""
            return text.utf8.count >= 12
        }
        func first() async throws -> String {
            try await Program.output(
                "/bin/sh", ["-c", "ps --ppid \(line.process.processIdentifier) -o pid= | tr -d ' \\n'"])
        }
        let root = try await first()
        try await daemon.eventually("nobody is left of them") {
            try await Program.output("/bin/sh", ["-c", "ps --ppid \(root) -o stat= | grep -c Z; true"]).hasPrefix("0")
        }
        // A stop reaches the daemon, and its code comes back.
        kill(try #require(pid_t(root)), SIGTERM)
        try await daemon.eventually("it ends") { !line.process.isRunning }
        #expect(line.process.terminationStatus == 0)
        #expect(daemon.log.contains("stopped"))
    }

    @Test func theConnectionThatSaysNothingForLongestGivesWay() async throws {
        try await daemon.start()
        let answer = try await Program.output(
            "/usr/bin/env",
            [
                "python3", "-c",
                """
                import socket
                def connect():
                    one = socket.socket(socket.AF_UNIX)
                    one.connect("\(daemon.state)/control.sock")
                    one.settimeout(20)
                    return one
                crowd = [connect() for _ in range(600)]
                print(crowd[0].recv(1) == b"", crowd[80].recv(1) == b"")
                last = crowd[-1].makefile("rw")
                last.write('{"status":{}}\\n')
                last.flush()
                print("status" in last.readline())
                """,
            ])
        #expect(answer == "True True\nTrue\n")
        #expect(try await daemon.carillon("status").code == 0)
        #expect(await daemon.stop() == 0)
    }

    /// As containers have it: the link names one zone, and another one is mounted upon it.
    @Test(.enabled(if: geteuid() == 0)) func aZoneThatIsMountedUponAnotherIsSeen() async throws {
        let tab = try daemon.folder.write("tab", "0 5 * * * /srv/a\n")
        let line = """
            mount --bind /usr/share/zoneinfo/Asia/Tokyo "$(readlink -f /etc/localtime)"
            unset TZ; exec "\(daemon.binary)" import crontab "\(tab)"
            """
        let written = try await Program.output("/usr/bin/unshare", ["-m", "sh", "-c", line])
        #expect(written.contains("time_zone = \"Asia/Tokyo\""), "\(written)")
    }

    // MARK: Its log

    @Test func aLogThatNobodyReadsStopsNothing() async throws {
        // Some 250 bytes each, and more than all of the queue and the pipe together.
        var text = ""
        for number in 0..<8_000 {
            text +=
                "[[job]]\nname = \"\(String(repeating: "long", count: 40))-\(number)\"\ncron = \"never\"\nexec = [\"x\"]\n"
        }
        try daemon.folder.write("jobs.d/bad.toml", text)
        try daemon.folder.write("jobs.d/a.toml", job.replacing("1h", with: "1s"))
        let process = Process()
        let pipe = Pipe.unshared()
        process.executableURL = URL(fileURLWithPath: daemon.binary)
        process.arguments = ["serve", "--state-dir", daemon.state]
        process.standardError = pipe
        try process.start()
        defer { kill(process.processIdentifier, SIGKILL) }
        try await daemon.eventually("it runs all the same") {
            try await daemon.objects("runs", "list", "--state", "completed").count >= 2
        }
        let (lines, feed) = AsyncStream.makeStream(of: String.self)
        pipe.fileHandleForReading.readabilityHandler = { handle in
            feed.yield(String(decoding: handle.availableData, as: UTF8.self))
        }
        var log = ""
        for await piece in lines {
            log += piece
            if log.contains("log lines were left out; nobody took them lines=") { break }
        }
        pipe.fileHandleForReading.readabilityHandler = nil
        #expect(log.contains("carillon 0"), "what came first is there")
    }
}

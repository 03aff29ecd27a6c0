import CarillonCore
import CarillonTestSupport
import ExecDispatcher
import Glibc
import Testing

/// What a daemon makes of the files an earlier one left.
@Suite(.timeLimit(.minutes(5)))
struct AdoptionTests {
    let boot: String = {
        var buffer = [UInt8](repeating: 0, count: 64)
        let file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        return String(decoding: buffer[..<max(0, read(file, &buffer, 64))], as: UTF8.self).trimmed
    }()

    func write(_ text: String, to path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        _ = Glibc.write(file, text, text.utf8.count)
        close(file)
    }

    /// What becomes of an attempt with this status file: nil when it may be dispatched again.
    func verdict(_ status: String) async throws -> DispatchEvent.What? {
        let bench = try await ExecBench()
        let path = bench.fixture.directory + "/state/attempts/\(bench.attempt())"
        write("", to: path)
        var facts = stat()
        #expect(stat(path, &facts) == 0)
        let file = "\(facts.st_dev)-\(facts.st_ino)"
        write(status.split(separator: "FILE", omittingEmptySubsequences: false).joined(separator: file), to: path)
        let unknown = await bench.dispatcher.adopt([bench.record()])
        // A process that another test is starting holds the file's lock for a moment; then the same is told as news.
        let isUnsent =
            if unknown.isEmpty, case .unsent = await bench.probe.event(of: bench.attempt())?.what { true } else {
                false
            }
        if isUnsent || unknown == [bench.attempt()] {
            #expect(await bench.run(ExecTarget(.argv(["true"]))) == .succeeded(Outcome(exitCode: 0)))
            await bench.end()
            return nil
        }
        #expect(unknown == [])
        let what = await bench.probe.end(of: bench.attempt())
        await bench.end()
        return what
    }

    @Test func anEmptyFileStartedNothing() async throws {
        #expect(try await verdict("") == nil)
    }

    @Test func aLineThatIsCutOffWasNotWritten() async throws {
        #expect(try await verdict("shim 1") == nil)
        let cut = "shim 999999999 \(boot) 0\nstart 999999999 5 6\nend 7 exit 0 0 0 0"
        #expect(try await verdict(cut) == .lost("its shim was killed"))
    }

    @Test func anEndIsRead() async throws {
        let head = "shim 999999999 \(boot) 0,4\nstart 999999999 5 6\n"
        #expect(try await verdict(head + "end 7 exit 4 0 0 0\n") == .succeeded(Outcome(exitCode: 4)))
        #expect(
            try await verdict(head + "end 7 exit 4 0 1 0\n")
                == .cancelled(Outcome(exitCode: 4, error: "exit code 4")))
        #expect(
            try await verdict(head + "end 7 error 2 0 0 0 cannot run a b\n")
                == .failed(Outcome(error: "cannot run a b: No such file or directory")))
    }

    @Test func aClaimWithoutAnEndIsLost() async throws {
        #expect(try await verdict("shim 999999999 \(boot) 0\n") == .lost("its shim was killed"))
    }

    /// The kernel tells of a close before it gives up the lock, and not again when it does.
    @Test func aLockThatGoesAfterItsNoticeIsSeenToGo() async throws {
        let bench = try await ExecBench()
        let path = bench.fixture.directory + "/state/attempts/\(bench.attempt())"
        write("shim 999999999 \(boot) 0\n", to: path)
        // One that is read only is closed without a notice.
        let lock = open(path, O_RDONLY | O_CLOEXEC)
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
        #expect(await bench.dispatcher.adopt([bench.record()]) == [])
        write("shim 999999999 \(boot) 0\n", to: path)
        #expect(await bench.probe.events(of: bench.attempt()).isEmpty)
        close(lock)
        #expect(await bench.probe.end(of: bench.attempt()) == .lost("its shim was killed"))
        await bench.end()
    }

    @Test func anotherBootIsNamed() async throws {
        // Number 2 lives, perhaps; it is another process than the file means, and must be left alone.
        let text = "shim 2 another-boot 0 1-1\nstart 2 0 6\n"
        #expect(try await verdict(text) == .lost("the machine restarted while it ran"))
    }

    /// Whoever writes what they like into a status file has nobody killed by it.
    @Test(arguments: ["start 1 0 0\n", "start 0 0 0\n", "start -1 0 0\n", ""])
    func aForgedFileKillsNobody(_ start: String) async throws {
        let bystander = try Bystander()
        defer { bystander.end() }
        #expect(try await verdict("shim 1 \(boot) 0 FILE\n" + start) == nil, "the first process is no shim")
        let what = try await verdict("shim \(bystander.pid) \(boot) 0 FILE\n" + start)
        let words = "process \(bystander.pid) may be of its program, and was left alone"
        #expect(what == .lost("its shim was killed; \(words)"))
        let later = "start \(bystander.pid) \(bystander.ticks + 1) 0\n"
        #expect(try await verdict("shim 999999999 \(boot) 0 FILE\n" + later) == .lost("its shim was killed"))
        #expect(kill(bystander.pid, 0) == 0)
    }

    @Test func whatCouldNotStartForLackOfRoomWaits() async throws {
        let head = "shim 999999999 \(boot) 0 FILE\n"
        for (code, text) in [(EAGAIN, "cannot start a process"), (ENOMEM, "cannot run sh"), (EMFILE, "cannot run sh")] {
            let bench = try await ExecBench()
            let path = bench.fixture.directory + "/state/attempts/\(bench.attempt())"
            write(head + "end 7 error \(code) 0 0 0 \(text)\n", to: path)
            #expect(await bench.dispatcher.adopt([bench.record()]) == [])
            #expect(await bench.probe.event(of: bench.attempt()) != nil)
            let said = "the program was not started: \(text): \(String(cString: strerror(code)))"
            #expect(await bench.probe.events(of: bench.attempt()).map(\.what) == [.unsent(said)])
            #expect(await bench.dispatcher.health().trouble == said)
            // The same attempt goes out again, and then all is well.
            #expect(await bench.run(ExecTarget(.argv(["true"]))) == .succeeded(Outcome(exitCode: 0)))
            #expect(await bench.dispatcher.health().trouble == nil)
            await bench.end()
        }
    }

    @Test func afterARebootAMissingFileProvesNothing() async throws {
        let bench = try await ExecBench()
        await bench.dispatcher.shutdown()
        write("another-boot", to: bench.fixture.directory + "/state/boot")
        let next = DispatcherProbe(try bench.fixture.make())
        let runs = [bench.record(1, dispatched: true), bench.record(2, dispatched: false)]
        #expect(await next.dispatcher.adopt(runs) == [bench.attempt(2)])
        #expect(await next.end(of: bench.attempt(1)) == .lost("the machine restarted while it ran"))
        await next.dispatcher.shutdown()
        await bench.end()
    }

    @Test func staleFilesGoUnlessTheirProgramRuns() async throws {
        let bench = try await ExecBench()
        #expect(await bench.run(ExecTarget(.argv(["true"])), 1) == .succeeded(Outcome(exitCode: 0)))
        #expect(await bench.send(ExecTarget(.argv(["sleep", "600"])), 2) == .accepted)
        #expect(await bench.probe.start(of: bench.attempt(2)) != nil)
        write("", to: bench.fixture.directory + "/state/attempts/\(bench.attempt(3))")
        write("not ours", to: bench.fixture.directory + "/state/attempts/README")
        let next = DispatcherProbe(try bench.fixture.make())
        #expect(await next.dispatcher.adopt([]) == [])
        let files = ["\(bench.attempt(1))", "\(bench.attempt(2))", "\(bench.attempt(3))", "README"]
        #expect(files.map { bench.fixture.exists("state/attempts/" + $0) } == [false, true, false, true])
        await next.dispatcher.shutdown()
        await bench.dispatcher.cancel(bench.attempt(2), grace: 0)
        await bench.probe.end(of: bench.attempt(2))
        await bench.end()
    }

    @Test func acknowledgedAttemptsLeaveNoFile() async throws {
        let bench = try await ExecBench()
        _ = await bench.run(ExecTarget(.argv(["true"])))
        #expect(bench.fixture.exists("state/attempts/\(bench.attempt())"))
        await bench.dispatcher.acknowledge([bench.attempt(), bench.attempt(7)])
        #expect(!bench.fixture.exists("state/attempts/\(bench.attempt())"))
        await bench.end()
    }
}

/// A process in a session of its own that has nothing to do with any run.
private struct Bystander {
    let pid: pid_t
    let ticks: UInt64

    init() throws {
        let line: [String] = ["setsid", "sleep", "600"]
        var words = line.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, "setsid", nil, nil, &words, environ)
        try #require(code == 0)
        pid = child
        // Its session is its own in a moment; then it is another program, and the same process.
        while statFields(child).dropFirst(3).first != "\(child)" { sched_yield() }
        ticks = try #require(statFields(child).dropFirst(19).first.flatMap { UInt64($0) })
    }

    func end() {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }
}

import CarillonCore
import CarillonTestSupport
import ExecDispatcher
import Glibc
import Testing

/// What outlives what.
@Suite(.timeLimit(.minutes(5)))
struct SurvivalTests {
    /// Looks again and again; the test's time limit is the only clock.
    func until(_ condition: () throws -> Bool) async rethrows {
        while try !condition() && !Task.isCancelled { await Task.yield() }
    }

    /// Three processes that ignore SIGTERM, the last of them in a session of its own; their numbers are in the log.
    let family = """
        trap '' TERM; echo $$; sleep 600 & echo $!; setsid sleep 600 & echo $!
        echo $CARILLON_RUN_ID-$CARILLON_ATTEMPT > "$STARTS"; wait; wait; wait
        """

    func start(_ bench: ExecBench) async throws -> [pid_t] {
        let starts = bench.fixture.directory + "/starts"
        #expect(await bench.send(ExecTarget(.shell(family), environment: ["STARTS": starts])) == .accepted)
        await bench.fixture.ready(bench.attempt())
        await until { bench.log().split(separator: "\n").count == 3 }
        return bench.log().split(separator: "\n").compactMap { pid_t($0) }
    }

    @Test func aForcedCancelLeavesNobody() async throws {
        let bench = try await ExecBench()
        let family = try await start(bench)
        await bench.dispatcher.cancel(bench.attempt(), grace: 20_000)
        let what = await bench.probe.end(of: bench.attempt())
        #expect(what?.outcome?.signal == SIGKILL)
        // Not in a while but by now: the end is told when all are gone.
        for process in family { #expect(kill(process, 0) == -1 && errno == ESRCH) }
        await bench.end()
    }

    @Test func aGentleCancelLeavesNobodyEither() async throws {
        let bench = try await ExecBench()
        let line = "sleep 600 & echo $!; setsid sleep 600 & echo $!; echo ready; wait"
        #expect(await bench.send(ExecTarget(.shell(line))) == .accepted)
        await until { bench.log().hasSuffix("ready\n") }
        await bench.dispatcher.cancel(bench.attempt(), grace: 60_000_000)
        guard case .cancelled(let outcome) = await bench.probe.end(of: bench.attempt()) else {
            Issue.record("not cancelled: \(await bench.probe.seen)")
            return
        }
        #expect(outcome.signal == SIGTERM)
        for process in bench.log().split(separator: "\n").compactMap({ pid_t($0) }) {
            #expect(kill(process, 0) == -1 && errno == ESRCH)
        }
        await bench.end()
    }

    @Test func aSecondCancelCanOnlyHurry() async throws {
        let bench = try await ExecBench()
        _ = try await start(bench)
        await bench.dispatcher.cancel(bench.attempt(), grace: 3_600_000_000)
        await bench.dispatcher.cancel(bench.attempt(), grace: 0)
        #expect(await bench.probe.end(of: bench.attempt())?.outcome?.signal == SIGKILL)
        await bench.end()
    }

    @Test func whoEndsAShimWithKillCancelsItsProgram() async throws {
        let bench = try await ExecBench { $0.grace = 20_000 }
        _ = try await start(bench)
        let shim = try #require(bench.fixture.words(ofStatus: bench.attempt()).first?.dropFirst().first)
        #expect(kill(try #require(pid_t(shim)), SIGTERM) == 0)
        guard case .cancelled = await bench.probe.end(of: bench.attempt()) else {
            Issue.record("not cancelled: \(await bench.probe.seen)")
            return
        }
        await bench.end()
    }

    @Test func theRestOfALostProgramIsKilledWhateverItsSession() async throws {
        let bench = try await ExecBench()
        let family = try await start(bench)
        #expect(try bench.fixture.lose(bench.attempt()))
        let what = await bench.probe.end(of: bench.attempt())
        #expect(what == .lost("its shim was killed; what was left of the program has been killed too"))
        for process in family { #expect(isGone(process)) }
        // Until it is acknowledged, the next daemon hears the same.
        let next = DispatcherProbe(try bench.fixture.make())
        #expect(await next.dispatcher.adopt([bench.record(started: true)]) == [])
        #expect(await next.end(of: bench.attempt()) == .lost("its shim was killed"))
        await next.dispatcher.shutdown()
        await bench.end()
    }

    @Test func aProgramThatKillsItsShimFirstThingEndsWithIt() async throws {
        let bench = try await ExecBench()
        // Its start may be written down or not; what it starts is a session of its own.
        let line = "setsid sleep 600 & echo $! > \(bench.fixture.directory)/left; kill -9 $PPID; sleep 600"
        #expect(await bench.send(ExecTarget(.shell(line))) == .accepted)
        let what = await bench.probe.end(of: bench.attempt())
        #expect(what == .lost("its shim was killed; what was left of the program has been killed too"))
        #expect(isGone(try #require(pid_t(bench.fixture.text("left").trimmed))))
        await bench.end()
    }

    @Test func aProgramInItsShimsGroupIsEnded() async throws {
        let bench = try await ExecBench()
        let line = "import os,signal,time; signal.signal(15, signal.SIG_IGN); os.setpgid(0, os.getsid(0)); "
        let rest = "print(os.getpid(), flush=True); time.sleep(600)"
        #expect(await bench.send(ExecTarget(.argv(["python3", "-c", line + rest]))) == .accepted)
        await until { bench.log().hasSuffix("\n") }
        await bench.dispatcher.cancel(bench.attempt(), grace: 20_000)
        #expect(await bench.probe.end(of: bench.attempt())?.outcome?.signal == SIGKILL)
        #expect(isGone(try #require(pid_t(bench.log().trimmed))))
        await bench.end()
    }

    @Test func aProgramOutsideItsGroupIsAskedFirst() async throws {
        let bench = try await ExecBench()
        let line = "import os,time; os.setpgid(0, os.getsid(0)); print(os.getpid(), flush=True); time.sleep(600)"
        #expect(await bench.send(ExecTarget(.argv(["python3", "-c", line]))) == .accepted)
        await until { bench.log().hasSuffix("\n") }
        await bench.dispatcher.cancel(bench.attempt(), grace: 60_000_000)
        #expect(await bench.probe.end(of: bench.attempt())?.outcome?.signal == SIGTERM)
        await bench.end()
    }

    @Test func aStoppedShimHearsACancel() async throws {
        let bench = try await ExecBench()
        #expect(await bench.send(ExecTarget(.shell("kill -STOP $PPID; echo on; sleep 600"))) == .accepted)
        await until {
            let words = bench.fixture.words(ofStatus: bench.attempt())
            return words.first.flatMap { pid_t($0[1]) }.map { statFields($0).first == "T" } ?? false
        }
        await bench.dispatcher.cancel(bench.attempt(), grace: 0)
        #expect(await bench.probe.end(of: bench.attempt())?.outcome != nil)
        await bench.end()
    }

    @Test func aCopyOfALiveStateDirectoryHarmsNobody() async throws {
        let bench = try await ExecBench()
        let family = try await start(bench)
        await until { bench.fixture.words(ofStatus: bench.attempt()).count == 2 }
        let copy = try ExecFixture()
        let files = ["state", "state/attempts"]
        for file in files { #expect(mkdir(copy.directory + "/" + file, 0o700) == 0) }
        let file = "state/attempts/\(bench.attempt())"
        let number = open(copy.directory + "/" + file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let text = bench.fixture.text(file)
        #expect(write(number, text, text.utf8.count) == text.utf8.count)
        close(number)
        let other = DispatcherProbe(try copy.make())
        #expect(await other.dispatcher.adopt([bench.record(started: true)]) == [])
        #expect(
            await other.end(of: bench.attempt())
                == .lost("its status file is a copy; what another state directory started was left alone"))
        for process in family { #expect(!isGone(process)) }
        await other.dispatcher.shutdown()
        copy.remove()
        await bench.dispatcher.cancel(bench.attempt(), grace: 0)
        await bench.probe.end(of: bench.attempt())
        await bench.end()
    }

    @Test func aProgramOutlivesADispatcherThatIsDropped() async throws {
        let bench = try await ExecBench()
        do {
            let dropped = try bench.fixture.make()
            let target = bench.fixture.target(.waits)
            let results = await dropped.dispatch([
                Dispatch(attempt: bench.attempt(), job: "job", target: target, scheduledAt: ExecBench.time)
            ])
            #expect(results == [.accepted])
            await bench.fixture.ready(bench.attempt())
        }
        #expect(await bench.dispatcher.adopt([bench.record()]) == [])
        #expect(await bench.probe.start(of: bench.attempt()) != nil)
        await bench.dispatcher.cancel(bench.attempt(), grace: 60_000_000)
        guard case .cancelled = await bench.probe.end(of: bench.attempt()) else {
            Issue.record("not cancelled: \(await bench.probe.seen)")
            return
        }
        await bench.end()
    }

    @Test func tenThousandRunsLeaveNothingBehind() async throws {
        let bench = try await ExecBench { $0.capacity = 64 }
        let total: UInt64 = 10_000
        let target = ExecTarget(.argv(["/bin/true"]))
        await withTaskGroup(of: Void.self) { group in
            for lane: UInt64 in 0..<32 {
                group.addTask {
                    for number in stride(from: lane, to: total, by: 32) {
                        let attempt = bench.attempt(number)
                        let results = await bench.dispatcher.dispatch([
                            Dispatch(attempt: attempt, job: "job", target: target, scheduledAt: ExecBench.time)
                        ])
                        #expect(results == [.accepted])
                        #expect(await bench.probe.forget(attempt) == .succeeded(Outcome(exitCode: 0)))
                        await bench.dispatcher.acknowledge([attempt])
                    }
                }
            }
        }
        #expect(try names(in: bench.fixture.directory + "/state/attempts").isEmpty)
        #expect(try names(in: bench.fixture.directory + "/state/logs").isEmpty)
        // Other tests of this process have descriptors and children of their own.
        let descriptors = try names(in: "/proc/self/fd").compactMap(target(ofDescriptor:))
        let own = descriptors.filter { $0.hasPrefix(bench.fixture.directory) }.sorted()
        #expect(own == [bench.fixture.directory + "/starts", bench.fixture.directory + "/state/attempts"])
        // A shim of another test may be between its end and its reaping, but only for a moment.
        try await until { try zombies() == 0 }
        await bench.end()
    }

    private func names(in directory: String) throws -> [String] {
        let entries = try #require(opendir(directory))
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private func target(ofDescriptor name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/fd/\(name)", &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func zombies() throws -> Int {
        try names(in: "/proc").compactMap { pid_t($0) }.count { process in
            let fields = statFields(process)
            return fields.count > 1 && fields[0] == "Z" && fields[1] == "\(getpid())"
        }
    }
}

/// The fields of `/proc/PID/stat` from the third on, which is the state; none for a process that is gone.
func statFields(_ process: pid_t) -> [Substring] {
    let file = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 1024)
    let text = String(decoding: buffer[..<max(0, read(file, &buffer, 1024))], as: UTF8.self)
    return text[(text.lastIndex(of: ")") ?? text.startIndex)...].dropFirst(2).split(separator: " ")
}

/// Ended, and perhaps not waited for yet.
private func isGone(_ process: pid_t) -> Bool { statFields(process).first.map { $0 == "Z" } ?? true }

import CarillonCore
import CarillonTestSupport
import ExecDispatcher
import Glibc
import Testing
import Timetable

/// How ends are told.
@Suite(.timeLimit(.minutes(5)))
struct EndingTests {
    @Test func exitCodesAreJudgedByTheTarget() async throws {
        let bench = try await ExecBench()
        let fine = await bench.run(ExecTarget(.shell("exit 3"), successCodes: [0, 3, 3, 900]))
        #expect(fine == .succeeded(Outcome(exitCode: 3)))
        let failed = await bench.run(ExecTarget(.shell("echo why; exit 3")), 2)
        #expect(failed == .failed(Outcome(exitCode: 3, error: "exit code 3", outputTail: "why\n")))
        let zero = await bench.run(ExecTarget(.argv(["true"]), successCodes: []), 3)
        #expect(zero == .failed(Outcome(exitCode: 0, error: "exit code 0")))
        await bench.end()
    }

    @Test(arguments: [(9, " (SIGKILL)"), (15, " (SIGTERM)"), (40, "")])
    func signalsAreNamed(_ number: Int32, _ name: String) async throws {
        let bench = try await ExecBench()
        let what = await bench.run(ExecTarget(.shell("kill -\(number) $$")))
        #expect(what == .failed(Outcome(signal: number, error: "killed by signal \(number)\(name)")))
        await bench.end()
    }

    @Test func whatCannotStartSaysWhy() async throws {
        let bench = try await ExecBench()
        let plain = bench.fixture.directory + "/plain"
        let script = bench.fixture.directory + "/script"
        for (path, text, mode) in [(plain, "x", 0o600), (script, "#!/no/such/interpreter\n", 0o700)] {
            let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode_t(mode))
            _ = write(file, text, text.utf8.count)
            close(file)
        }
        let expected = [
            "/no/such/program": "cannot run /no/such/program: No such file or directory",
            "no-such-program": "cannot run no-such-program: No such file or directory",
            "two\nlines": "cannot run two?lines: No such file or directory",
            plain: "cannot run \(plain): Permission denied",
            script: "cannot run \(script): its interpreter does not exist",
        ]
        for (number, (program, text)) in expected.enumerated() {
            let what = await bench.run(ExecTarget(.argv([program])), UInt64(number))
            #expect(what == .failed(Outcome(error: text)))
            // It never started, and nobody says so.
            #expect(await bench.probe.events(of: bench.attempt(UInt64(number))).count == 1)
        }
        await bench.end()
    }

    @Test func theEndDoesNotWaitForWhoKeepsThePipe() async throws {
        let bench = try await ExecBench()
        let what = await bench.run(ExecTarget(.shell("sleep 600 & echo $!")))
        #expect(what == .succeeded(Outcome(exitCode: 0)))
        let sleeper = try #require(pid_t(bench.log().trimmed))
        #expect(kill(sleeper, SIGKILL) == 0)
        await bench.end()
    }

    @Test func timesAndProcessAreTheShims() async throws {
        let bench = try await ExecBench()
        var before = timespec()
        clock_gettime(CLOCK_REALTIME, &before)
        _ = await bench.run(ExecTarget(.shell("cat /proc/sys/kernel/random/boot_id; cat /proc/$$/stat")))
        let events = await bench.probe.events(of: bench.attempt())
        guard case .started(let process?) = events.first?.what else {
            Issue.record("no process in \(events)")
            return
        }
        let lines = bench.log().split(separator: "\n")
        let fields = try #require(lines.last).split(separator: " ")
        #expect(process.bootID == lines.first.map(String.init))
        #expect("\(process.pid)" == fields[0])
        #expect("\(process.startTicks)" == fields[21])
        #expect(try #require(events.first).at.seconds >= Int64(before.tv_sec))
        await bench.end()
    }

    @Test func aLongOneIsToldOfWhileItRuns() async throws {
        let bench = try await ExecBench()
        #expect(await bench.send(ExecTarget(.argv(["sleep", "600"]))) == .accepted)
        #expect(await bench.probe.start(of: bench.attempt()) != nil)
        #expect(await bench.probe.events(of: bench.attempt()).count == 1)
        await bench.dispatcher.cancel(bench.attempt(), grace: 60_000_000)
        let what = await bench.probe.end(of: bench.attempt())
        #expect(what == .cancelled(Outcome(signal: SIGTERM, error: "killed by signal 15 (SIGTERM)")))
        await bench.end()
    }
}

extension String {
    var trimmed: String { String(prefix { !$0.isNewline }) }
}

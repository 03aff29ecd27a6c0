import CarillonCore
import CarillonTestSupport
import ExecDispatcher
import Glibc
import Testing

/// What is kept of the output.
@Suite(.timeLimit(.minutes(5)))
struct LogTests {
    @Test func pastTheCapOnlyTheEndIsKept() async throws {
        let bench = try await ExecBench { $0.logCap = 1000 }
        let whole = (1...100_000).map { "\($0)\n" }.joined()
        let what = await bench.run(ExecTarget(.shell("seq 1 100000; exit 1")))
        let left = whole.utf8.count - 1000 - 4096
        let log = bench.log()
        #expect(log.hasPrefix(String(whole.prefix(1000)) + "\n[carillon: \(left) bytes left out]\n"))
        #expect(log.hasSuffix(String(whole.suffix(4096))))
        #expect(log.utf8.count == 1000 + 4096 + "\n[carillon: \(left) bytes left out]\n".utf8.count)
        #expect(what?.outcome?.outputTail == String(whole.suffix(2048)))
        await bench.end()
    }

    @Test(arguments: [0, 1, 999, 1000, 1001, 5096])
    func upToTheCapAndTheEndAllIsKept(_ count: Int) async throws {
        let bench = try await ExecBench { $0.logCap = 1000 }
        let text = String((0..<count).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
        _ = await bench.run(ExecTarget(.argv(["cat"]), input: text))
        #expect(bench.log() == text)
        #expect(bench.fixture.exists(RunLog.path(of: bench.attempt().run, job: "job", in: "state")) == (count > 0))
        await bench.end()
    }

    @Test func aCapOfNothingKeepsTheEnd() async throws {
        let bench = try await ExecBench { $0.logCap = 0 }
        _ = await bench.run(ExecTarget(.shell("echo first; echo second")))
        #expect(bench.log() == "first\nsecond\n")
        await bench.end()
    }

    @Test func attemptsShareALogButNotATail() async throws {
        let bench = try await ExecBench()
        _ = await bench.run(ExecTarget(.shell("echo one; exit 1")))
        let second = AttemptID(run: bench.attempt().run, attempt: 2)
        let target = ExecTarget(.shell("echo two; exit 1"))
        _ = await bench.dispatcher.dispatch([
            Dispatch(attempt: second, job: "job", target: target, scheduledAt: ExecBench.time)
        ])
        #expect(await bench.probe.end(of: second)?.outcome?.outputTail == "two\n")
        #expect(bench.log() == "one\ntwo\n")
        await bench.end()
    }

    @Test func tailsAreTextWhateverTheProgramWrites() async throws {
        let bench = try await ExecBench()
        // The cut falls into a character of three bytes.
        let long = await bench.run(ExecTarget(.shell("for i in $(seq 1 1000); do printf '€'; done; exit 1")))
        #expect(long?.outcome?.outputTail == String(repeating: "€", count: 682))
        let binary = await bench.run(ExecTarget(.shell("printf 'a\\000b\\377c'; exit 1")), 2)
        #expect(binary?.outcome?.outputTail == "a\u{FFFD}b\u{FFFD}c")
        let noise = await bench.run(ExecTarget(.shell("head -c 9000 /dev/urandom; exit 1")), 3)
        #expect(noise?.outcome?.outputTail?.utf8.count ?? .max <= 2048)
        await bench.end()
    }

    @Test func aLogThatCannotBeWrittenDisturbsNobody() async throws {
        let bench = try await ExecBench()
        // Where the job's folder should be, a file.
        close(open(bench.fixture.directory + "/state/logs/job", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        let what = await bench.run(ExecTarget(.shell("seq 1 100000; exit 0")))
        #expect(what == .succeeded(Outcome(exitCode: 0)))
        await bench.end()
    }

    @Test func logsAreTheDaemonsAlone() async throws {
        let bench = try await ExecBench()
        _ = await bench.run(ExecTarget(.argv(["echo", "x"])))
        let path = RunLog.path(of: bench.attempt().run, job: "job", in: bench.fixture.directory + "/state")
        var facts = stat()
        #expect(stat(path, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        #expect(stat(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]), &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o700)
        await bench.end()
    }

    @Test func forgottenRunsTakeTheirLogsAndFoldersAlong() async throws {
        let bench = try await ExecBench()
        for number: UInt64 in 1...2 { _ = await bench.run(ExecTarget(.argv(["echo", "x"])), number) }
        await bench.dispatcher.forget([GoneRun(id: bench.attempt(1).run, job: "job")])
        #expect(bench.log(1) == "" && bench.log(2) == "x\n")
        await bench.dispatcher.forget([
            GoneRun(id: bench.attempt(2).run, job: "job"), GoneRun(id: bench.attempt(3).run, job: "never ran"),
        ])
        #expect(!bench.fixture.exists("state/logs/job"))
        #expect(bench.fixture.exists("state/logs"))
        await bench.end()
    }

    @Test func anyJobNameMakesOneFolder() async throws {
        let bench = try await ExecBench()
        let long = String(repeating: "ü", count: 100)
        let names = [
            "..", ".", "a/b", "a%2Fb", "../../x", " ", "ü€😀", long, long.dropLast() + "ö", ".hidden", "A.b-c_d",
        ]
        for (number, name) in names.enumerated() {
            _ = await bench.run(ExecTarget(.argv(["echo", name])), UInt64(number), job: name)
            #expect(bench.log(UInt64(number), job: name) == name + "\n")
        }
        let folders = names.compactMap {
            RunLog.path(of: bench.attempt().run, job: $0, in: "s").split(separator: "/").dropLast().last
        }
        #expect(Set(folders).count == names.count)
        #expect(folders.allSatisfy { $0.utf8.count <= 255 && $0 != "." && $0 != ".." })
        #expect(folders.last == "A.b-c_d")
        await bench.end()
    }
}

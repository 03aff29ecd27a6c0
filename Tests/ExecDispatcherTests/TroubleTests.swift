import CarillonCore
import ExecDispatcher
import Glibc
import Testing

/// What a person is told when the executor itself does not work.
@Suite(.timeLimit(.minutes(20)))
struct TroubleTests {
    @Test func allIsWell() async throws {
        let bench = try await ExecBench()
        #expect(await bench.dispatcher.health().trouble == nil)
        await bench.end()
    }

    @Test func aMissingShimIsNamedAndMayComeLater() async throws {
        let shim = ExecFixture.shim
        let bench = try await ExecBench { $0.shim = $0.stateDirectory + "/shim" }
        let path = bench.fixture.directory + "/state/shim"
        #expect(await bench.dispatcher.health().trouble == "cannot run the shim \(path): No such file or directory")
        let target = ExecTarget(.argv(["true"]))
        #expect(await bench.send(target) == .unavailable("cannot start \(path): No such file or directory"))
        #expect(symlink(shim, path) == 0)
        #expect(await bench.dispatcher.health().trouble == nil)
        #expect(await bench.run(target) == .succeeded(Outcome(exitCode: 0)))
        await bench.end()
    }

    @Test func aShimThatIsNoShimFailsItsRuns() async throws {
        let bench = try await ExecBench { $0.shim = "/bin/true" }
        let what = await bench.run(ExecTarget(.argv(["true"])))
        #expect(what?.error == "the program was not started: its shim ended before that")
        await bench.end()
    }

    @Test func afterShutdownNothingStarts() async throws {
        let bench = try await ExecBench()
        await bench.dispatcher.shutdown()
        let result = await bench.send(ExecTarget(.argv(["true"])))
        #expect(result == .unavailable("the dispatcher is shut down"))
        await bench.end()
    }

    @Test func aStateDirectoryThatIsAFileIsAnError() async throws {
        let fixture = try ExecFixture()
        defer { fixture.remove() }
        close(open(fixture.directory + "/state", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        #expect(throws: (any Error).self) { try fixture.make() }
    }

    @Test func theShimIsFoundBesideTheProgram() {
        #expect(ShimLocator.path(given: "/x/y") == "/x/y")
        #expect(ShimLocator.path(given: "").hasSuffix("/carillon-shim"))
        #expect(ShimLocator.path().hasPrefix("/"))
    }
}

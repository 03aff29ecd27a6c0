import CarillonCore
import CarillonTestSupport
import ExecDispatcher
import Glibc
import Testing

/// What a person is told when the executor itself does not work.
@Suite(.timeLimit(.minutes(5)))
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

    @Test func aShimThatIsNoShimStartsNothingAndItsRunsWait() async throws {
        let bench = try await ExecBench { $0.shim = $0.stateDirectory + "/shim" }
        let shim = bench.fixture.directory + "/state/shim"
        #expect(symlink("/bin/true", shim) == 0)
        #expect(await bench.send(ExecTarget(.argv(["true"]))) == .accepted)
        #expect(await bench.probe.event(of: bench.attempt()) != nil)
        let said = "the program was not started: its shim ended at once"
        #expect(await bench.probe.events(of: bench.attempt()).map(\.what) == [.unsent(said)])
        #expect(await bench.dispatcher.health().trouble == said)
        #expect(unlink(shim) == 0 && symlink(ExecFixture.shim, shim) == 0)
        #expect(await bench.run(ExecTarget(.argv(["true"]))) == .succeeded(Outcome(exitCode: 0)))
        await bench.end()
    }

    /// Root alone can fill a disk of its own.
    @Test(.enabled(if: geteuid() == 0)) func onAFullDiskRunsWait() async throws {
        let bench = try await ExecBench()
        let attempts = bench.fixture.directory + "/state/attempts"
        try #require(system("mount -t tmpfs -o size=64k,nr_inodes=40 none \(attempts)") == 0)
        let next = DispatcherProbe(try bench.fixture.make())
        #expect(system("head -c 64k /dev/zero > \(attempts)/full 2> /dev/null; true") == 0)
        let dispatch = Dispatch(
            attempt: bench.attempt(), job: "job", target: ExecTarget(.argv(["true"])),
            scheduledAt: ExecBench.time)
        #expect(await next.dispatcher.dispatch([dispatch]) == [.accepted])
        #expect(await next.event(of: bench.attempt()) != nil)
        let said = "the program was not started: cannot write to \(attempts)"
        #expect(await next.events(of: bench.attempt()).map(\.what) == [.unsent(said)])
        #expect(await next.dispatcher.health().trouble == "cannot write to \(attempts): No space left on device")
        #expect(unlink(attempts + "/full") == 0)
        #expect(await next.dispatcher.dispatch([dispatch]) == [.accepted])
        #expect(await next.end(of: bench.attempt()) == .succeeded(Outcome(exitCode: 0)))
        #expect(await next.dispatcher.health().trouble == nil)
        await next.dispatcher.shutdown()
        #expect(system("umount -l \(attempts)") == 0)
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

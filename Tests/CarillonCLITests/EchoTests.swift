import CarillonCLI
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CarillonTestSupport
import EchoIntegration
import Logging
import MemoryStore
import Testing
import Timetable

/// A new system is one folder and one line: this one is added to the list, and all else knows of it.
@Suite(.timeLimit(.minutes(5))) struct EchoTests {
    private let composition = Composition(
        integrations: Composition.carillon.integrations + [Echo.self], stores: Composition.carillon.stores)
    private let zones = ZoneDatabase()
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func jobs(_ text: String) throws -> FeedSnapshot {
        let reader = JobFileReader(JobReader(targets: composition.targets, zones: zones))
        return reader.read(path: try folder.write("jobs.toml", text), isMain: false)
    }

    @Test func itsKeysAreRead() throws {
        let job = try #require(try jobs("[[job]]\nname = \"a\"\necho = \"hello\"\n").jobs.first)
        #expect(job.target.kind == EchoTarget.kind && job.target.summary == "echo hello")
        #expect(job.policies.overlap == .allow)
        #expect(
            try jobs("[[job]]\nname = \"a\"\n").problems.map(\.message) == ["a job needs exec, shell, rq, bus or echo"])
        #expect(
            try jobs("[[job]]\nname = \"a\"\necho = \"x\"\nenv = {}\n").problems.map(\.message)
                == ["belongs to exec and shell, and this is a job with echo"])
        #expect(
            try jobs("[[job]]\nname = \"a\"\necho = \"x\"\nrq = { function = \"a.b\" }\n").problems.map(\.message)
                == ["a job has one target; this one has rq and echo"])
    }

    @Test func itsJobsRun() async throws {
        let reader = composition.settingsReader(zones: zones, environment: ["CARILLON_ECHO_BEFORE": "> "])
        let settings = try reader.read(file: nil)
        #expect(settings[EchoSettings.self]?.before == "> " && settings.warnings.isEmpty)
        let store = MemoryStore()
        let context = DaemonContext(
            composition: composition, settings: settings, mainFile: nil, jobsFolder: folder.path, state: folder.path,
            store: store, storeID: "1", zones: zones, environment: [:], isShadow: false, logger: .silent)
        let service = try await EngineService(
            store: store, dispatchers: try Echo.parts(context).dispatchers, feeds: [], clock: SystemClock(),
            zones: zones, instance: .sample("i"), bootID: "b", logger: .silent)
        let desk = OrderService(service, version: "1")
        let serving = Task { try await service.run() }
        defer { serving.cancel() }
        let job = try #require(try jobs("[[job]]\nname = \"a\"\necho = \"hello\"\n").jobs.first)
        _ = await desk.handle(.put(job, replacing: false))
        guard case .started(let view, _) = await desk.handle(.start("a")) else {
            Issue.record("it was not started")
            return
        }
        try await eventually("it has run") {
            guard case .runs(let runs) = await desk.handle(.run(view.id)) else { return false }
            return runs.first?.state == .completed
        }
    }
}

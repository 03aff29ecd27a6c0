import CarillonCLI
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonTestSupport
import Testing
import Timetable

/// What the compiler cannot see of the one list.
@Suite struct CompositionTests {
    private let composition = Composition.carillon

    private static func kind<Keys: TargetKeys>(_ keys: Keys.Type) -> Target.Kind { Keys.Body.kind }

    /// A file's key means one thing, and a kind of job has one system.
    @Test func keysAndKindsAreDisjoint() {
        let keys = composition.targets.flatMap { $0.chosenBy + $0.beside }
        #expect(Set(keys).count == keys.count, "\(keys)")
        let kinds = composition.targets.map { Self.kind($0) }
        #expect(Set(kinds).count == kinds.count, "\(kinds)")
    }

    /// A system that reads a job has somebody who runs it, in a daemon without any settings.
    @Test func everyKindThatIsReadHasADispatcher() async throws {
        let folder = try TemporaryFolder()
        let zones = ZoneDatabase()
        let environment = ["HOME": folder.path]
        let settings = try composition.settingsReader(zones: zones, environment: environment).read(file: nil)
        let store = try await composition.driver(of: settings.store).open(settings.store, state: folder.path)
        let context = DaemonContext(
            composition: composition, settings: settings, mainFile: nil, jobsFolder: folder.path, state: folder.path,
            store: store, storeID: "1", zones: zones, environment: environment, isShadow: true, logger: .silent)
        let parts = Parts(try composition.integrations.map { try $0.parts(context) })
        func kind<D: Dispatcher>(_ dispatcher: D) -> Target.Kind { D.Body.kind }
        #expect(Set(parts.dispatchers.map { kind($0) }).isSuperset(of: composition.targets.map { Self.kind($0) }))
        for dispatcher in parts.dispatchers { await dispatcher.shutdown() }
        try await store.close()
    }

    @Test func anAddressOfAnUnknownStoreIsRefused() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("carillon.toml", "[store]\nurl = \"oracle://u:s3cret@h/d\"\n")
        let error = try #require(throws: ConfigurationError.self) {
            try composition.settingsReader(zones: ZoneDatabase(), environment: [:]).read(file: file)
        }
        let said =
            "store.url: expected sqlite:PATH or postgres://USER@HOST/DATABASE or mongodb://USER@HOST/DATABASE; this build knows no other store"
        #expect(error.description.hasSuffix(said))
        #expect(!error.description.contains("s3cret"))
    }

    @Test func oneDaemonPerStateDirectory() throws {
        let folder = try TemporaryFolder()
        let lock = try StateLock(directory: folder.path)
        #expect { try StateLock(directory: folder.path) } throws: { ($0 as? StoreError)?.code == .busy }
        withExtendedLifetime(lock) {}
    }
}

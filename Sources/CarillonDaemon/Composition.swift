package import CarillonConfiguration
package import CarillonCore
import CarillonEngine
package import Timetable

/// What this program is made of. The one list is in the commands' library.
package struct Composition: Sendable {
    package var integrations: [any Integration.Type]
    package var stores: [any StoreDriver.Type]

    package init(integrations: [any Integration.Type], stores: [any StoreDriver.Type]) {
        self.integrations = integrations
        self.stores = stores
    }

    /// The one of the command that runs.
    @TaskLocal package static var current = Composition(integrations: [], stores: [])

    package var targets: [any TargetKeys.Type] { integrations.flatMap { $0.targets } }

    package func settingsReader(zones: ZoneDatabase, environment: [String: String]) -> SettingsReader {
        SettingsReader(
            zones: zones, environment: environment, sections: integrations.flatMap { $0.sections }, stores: stores)
    }

    /// Finds the driver of a store's address. Throws `Failure`.
    package func driver(of address: StoreAddress) throws(Failure) -> any StoreDriver.Type {
        guard let driver = stores.first(where: { $0.canOpen(address.url) }) else {
            throw Failure.input("a store's address is written \(stores.map { $0.form }.joined(separator: " or "))")
        }
        return driver
    }

    /// Gives a stored job a fault when its target cannot be opened.
    package func checked(_ stored: StoredJob) -> StoredJob {
        guard stored.fault == nil, let keys = targets.first(where: { Self.kind(of: $0) == stored.job.target.kind })
        else {
            return stored
        }
        do throws(TargetFault) {
            try Self.open(stored.job.target, keys)
            return stored
        } catch {
            var faulty = stored
            faulty.fault = error.message
            return faulty
        }
    }

    private static func kind<Keys: TargetKeys>(of keys: Keys.Type) -> Target.Kind { Keys.Body.kind }

    private static func open<Keys: TargetKeys>(_ target: Target, _ keys: Keys.Type) throws(TargetFault) {
        _ = try target.open(as: Keys.Body.self)
    }
}

/// Ends the program with a sentence on standard error.
package struct Failure: Error {
    package var code: Int32
    package var message: String

    package init(code: Int32, message: String) {
        self.code = code
        self.message = message
    }

    /// Makes a failure of what should have worked.
    package static func failed(_ message: String) -> Failure { Failure(code: 1, message: message) }
    /// Makes a failure of bad usage or input.
    package static func input(_ message: String) -> Failure { Failure(code: 2, message: message) }
    /// Makes a failure of what needs a daemon, where none runs.
    package static func noDaemon(_ message: String) -> Failure { Failure(code: 3, message: message) }
    /// Makes a failure of a daemon that runs and says nothing.
    package static func noAnswer(_ message: String) -> Failure { Failure(code: 4, message: message) }
    /// Makes a failure of a daemon that runs, where not all is well.
    package static func degraded(_ message: String) -> Failure { Failure(code: 5, message: message) }
}

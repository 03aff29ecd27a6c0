public import CarillonCore
import Timetable

/// What `carillon.toml` and its environment may set, jobs apart. Durations are microseconds.
///
/// What belongs to one system is a section, read and known by that system alone.
public struct Settings: Sendable {
    public enum LogFormat: String, Sendable, CaseIterable { case text, json, logfmt }
    public enum LogLevel: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error, critical }

    public struct Log: Sendable {
        public var level: LogLevel?
        public var format: LogFormat?
        /// Standard error when nil.
        public var file: String?
        /// Bytes; a longer file is rotated.
        public var largest: Int64 = 10 << 20
        /// Rotated files kept beside the current one.
        public var keep: Int64 = 5
    }

    /// This daemon among those that share a store.
    public struct Instance: Sendable {
        /// Who writes in the ledger; nil for the host's name.
        public var name: String?
        /// How long it may be silent before others take it to be gone; nil for four beats, or what is right for the store.
        public var lease: Int64?
        /// How often it leaves a sign of life; nil for a quarter of that.
        public var heartbeat: Int64?
        /// Jobs at most that it holds of those that instances share; 0 for as many as there are.
        public var mostJobs = 0
        /// What it does of what instances share.
        public var roles = Set(Role.allCases)
    }

    /// A part of the work that instances share.
    public enum Role: String, Sendable, CaseIterable {
        case scheduler
        case custodian
        case api
    }

    public var timeZone = "UTC"
    public var instance = Instance()
    /// Where job files lie, relative to the configuration's folder.
    public var jobsDirectory = "jobs.d"
    /// Bytes; a larger job file is refused.
    public var jobsFileLimit = Int64(Bounds.bytes)
    public var store = StoreAddress(url: "sqlite:carillon.db")
    public var retention = Retention.standard
    public var log = Log()
    /// How long the trail of orders is kept.
    public var auditKeep: Int64 = 365 * 86_400 * 1_000_000
    /// Whose members may ask the daemon, and order nothing; nil for nobody but its own user.
    public var controlGroup: String?
    /// Whether the daemon starts, and keeps trying, while servers that it is to use cannot be reached.
    public var startsUnconnected = true
    /// What a person should hear of, though nothing is wrong with what was read.
    public var warnings: [ConfigProblem] = []
    /// What the file and the environment say, key by key.
    public var given: [GivenSetting] = []
    /// Keys that are read, given or not. Of a table that is not there, only its own.
    package var known: [String] = []
    private var sections: [ObjectIdentifier: any SettingsSection] = [:]

    public init() {}

    /// A system's part; nil when nothing asks for it.
    package subscript<Section: SettingsSection>(_ type: Section.Type) -> Section? {
        get { sections[ObjectIdentifier(type)] as? Section }
        set { sections[ObjectIdentifier(type)] = newValue }
    }

    /// Says where the job files of a configuration lie.
    public func jobsFolder(beside configuration: String) -> String {
        if jobsDirectory.hasPrefix("/") { return jobsDirectory }
        let slash = configuration.lastIndex(of: "/") ?? configuration.startIndex
        return configuration[..<slash] + "/" + jobsDirectory
    }
}

import Glibc

/// What an `ExecDispatcher` needs to know.
public struct ExecConfiguration: Sendable {
    /// Holds `attempts/` and `logs/`; one dispatcher at a time uses it.
    public var stateDirectory: String
    /// The path of `carillon-shim`.
    public var shim: String
    /// How many bytes of an attempt's output are kept from its beginning; the last 4 KiB are kept as well.
    public var logCap: Int64 = 10 << 20
    /// How many programs may run at once.
    public var capacity = Self.defaultCapacity
    /// Microseconds between SIGTERM and SIGKILL when somebody else than the daemon ends a shim with kill(1).
    public var grace: Int64 = 10_000_000
    /// Microseconds that the machine of a run may be away before nobody waits for it any more.
    public var lostAfter: Int64 = 120_000_000
    /// Others may decide about what runs here.
    public var isShared = false
    /// The daemon's own environment, for `PATH`, `LANG` and inherited names.
    public var environment: [String: String]
    /// Names every child inherits, besides those its job names.
    public var inherited: [String] = []

    public init(stateDirectory: String, shim: String, environment: [String: String]) {
        self.stateDirectory = stateDirectory
        self.shim = shim
        self.environment = environment
    }

    /// 64 a processor, at most 1024: scheduled programs mostly wait for disks and networks, so far more than one a
    /// processor may run, but a burst of due jobs must not take all the memory and processes of the machine.
    public static var defaultCapacity: Int { min(1024, 64 * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

package import CarillonConfiguration

/// `[exec]`: how programs run.
package struct ExecSettings: SettingsSection {
    package enum OnStop: String, Sendable, CaseIterable {
        /// A stop of the daemon ends the runs within the grace.
        case end
        /// They go on, and the next daemon adopts them.
        case leave
    }

    /// Children at once; the dispatcher's own measure when nil.
    package var most: Int64?
    /// Bytes of output kept per run.
    package var logLimit: Int64 = 10 << 20
    /// Microseconds.
    package var grace: Int64 = 10_000_000
    package var inheritEnvironment: [String] = []
    package var onStop: OnStop = .end
    /// Microseconds that the machine of a run may be away, where several share the jobs, before the run counts as lost.
    package var lostAfter: Int64 = 120_000_000

    package init() {}

    package static func read(_ settings: inout SettingsTable) -> ExecSettings? {
        settings.table.table("exec") { ExecSettings(&$0) } ?? ExecSettings()
    }

    private init(_ table: inout ConfigTable) {
        most = table.integer("max_children", in: 1...100_000)
        logLimit = table.integer("log_limit", in: 0...(1 << 40)) ?? logLimit
        grace = table.span("grace") ?? grace
        inheritEnvironment = table.strings("inherit_env") ?? []
        lostAfter = table.span("lost_after") ?? lostAfter
        onStop = table.choice("on_stop", OnStop.self) ?? onStop
    }
}

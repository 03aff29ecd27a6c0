package import CarillonConfiguration
package import CarillonCore
package import CarillonDaemon
import Logging

/// A made-up system: a run of it writes a line into the daemon's log. The whole of what a system needs stands in this folder.
package enum Echo: Integration {
    package static var sections: [any SettingsSection.Type] { [EchoSettings.self] }
    package static var targets: [any TargetKeys.Type] { [EchoKeys.self] }

    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        let settings = daemon.settings[EchoSettings.self] ?? EchoSettings()
        var parts = Parts()
        parts.dispatchers = [EchoDispatcher(settings, clock: daemon.clock, logger: daemon.logger)]
        return parts
    }
}

/// `[echo]` of `carillon.toml`, or `CARILLON_ECHO_BEFORE`.
package struct EchoSettings: SettingsSection {
    /// Stands before every line.
    package var before = ""

    package init() {}

    package static func read(_ settings: inout SettingsTable) -> EchoSettings? {
        settings.table.table("echo") { table in
            var echo = EchoSettings()
            echo.before = table.string("before") ?? echo.before
            return echo
        }
    }
}

/// `echo = "a line"` of a job.
package enum EchoKeys: TargetKeys {
    package static let chosenBy = ["echo"]
    package static let defaultOverlap = Overlap.allow
    package static let executor = "an echo"

    package static func read(_ job: inout ConfigTable) -> EchoTarget? { job.string("echo").map(EchoTarget.init) }

    package static func write(_ body: EchoTarget) -> [(key: String, value: ConfigNode)] {
        [("echo", ConfigNode(.string(body.line)))]
    }
}

/// What stands in the store.
package struct EchoTarget: TargetBody {
    package static let kind = Target.Kind(rawValue: "echo")

    package var line: String

    package var summary: String { "echo \(line)" }
    package var fault: String? { line.isEmpty ? "its line is empty" : nil }
}

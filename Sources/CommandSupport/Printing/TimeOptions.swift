package import ArgumentParser
package import CarillonDaemon
package import CarillonEngine
package import Timetable

extension TimeFormatter {
    /// The same for a table: `19:00 CET, in 3 h` on a narrow terminal, with the day where it is another one.
    package func cell(_ time: Timestamp, _ zone: String) -> String {
        Terminal.isNarrow ? "\(short(time, zone)), \(relative(time))" : both(time, zone)
    }
}

/// In which zone times are shown.
package struct TimeOptions: ParsableArguments {
    @Flag(help: "Show times in UTC instead of each job's zone.") package var utc = false
    @Option(
        name: .customLong("zone"), help: ArgumentHelp("Show times in this zone.", valueName: "zone"), completion: .zones
    )
    package var zone: String?

    package init() {}

    /// The zone asked for; nil for each job's own. Throws `Failure`.
    package func asked() throws(Failure) -> Zone? {
        if utc { return .utc }
        guard let zone else { return nil }
        do {
            return try ZoneDatabase().zone(zone)
        } catch {
            throw Failure.input("--zone: \(error.message)")
        }
    }

    package func formatter() throws(Failure) -> TimeFormatter { TimeFormatter(in: try asked()) }
}

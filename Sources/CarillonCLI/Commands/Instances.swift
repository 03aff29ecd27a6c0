import ArgumentParser
import CarillonEngine
import CommandSupport
import Timetable

struct Instances: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Who works with the store.", subcommands: [List.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The daemons that the store knows: what they have, and when they were heard.",
            discussion: """
                A daemon on PostgreSQL leaves a sign of life every quarter of its lease; one that is silent for longer is given up, and
                another one takes over. Shares are parts of the jobs, 4,096 in all.

                  carillon instances list
                  carillon instances list --json | jq -r 'select(.state == "silent") | .name'
                """)
        @OptionGroup var place: DaemonLocation
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            let (instances, orphans) = try await DaemonClient(place: place).instances()
            if json {
                for instance in instances { try say(json: instance) }
                return
            }
            var table = TextTable("INSTANCE", "STATE", "SHARES", "JOBS", "HEARD", "HOST", "BUILD")
            for instance in instances {
                table.add(
                    .init(instance.name), Self.cell(instance.state), .init("\(instance.shares)"),
                    .init("\(instance.jobs)"), .init(instance.silentSeconds.map { "\(Self.span($0)) ago" } ?? "-"),
                    .init(instance.host), .init(instance.build))
            }
            table.print()
            for instance in instances where abs(instance.clockErrorSeconds) >= 1 {
                let error = instance.clockErrorSeconds
                say(
                    Terminal.paint("warning: ", .yellow) + "the clock of \(instance.name) is \(Self.span(abs(error))) "
                        + "\(error > 0 ? "ahead of" : "behind") the store's")
            }
            if orphans > 0 {
                say(Terminal.paint("nobody plans \(orphans) \(orphans == 1 ? "job" : "jobs")", .red))
            }
        }

        private static func cell(_ state: InstanceView.State) -> TextTable.Cell {
            switch state {
            case .inForce: .init("in force", .green)
            case .silent: .init(state.rawValue, .red)
            case .leaving, .gone: .init(state.rawValue)
            }
        }

        private static func span(_ seconds: Double) -> String { Span.format(Int64(max(seconds, 0)) * 1_000_000) }
    }
}

import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

struct Instances: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Who works with the store.",
        subcommands: [List.self, Show.self, Drain.self, Undrain.self, Forget.self],
        defaultSubcommand: List.self)

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

        fileprivate static func cell(_ state: InstanceView.State) -> TextTable.Cell {
            switch state {
            case .inForce: .init("in force", .green)
            case .silent: .init(state.rawValue, .red)
            case .leaving, .gone: .init(state.rawValue)
            }
        }

        fileprivate static func span(_ seconds: Double) -> String { Span.format(Int64(max(seconds, 0)) * 1_000_000) }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All that is known of one.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "Its name or its id.") var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let found = try await DaemonClient(place: place).instances().views.filter {
                $0.name == name || $0.id == name
            }
            if found.isEmpty { throw Failure.failed("there is no instance '\(name)'; see `carillon instances list`") }
            for instance in found {
                if json {
                    try say(json: instance)
                    continue
                }
                say("\(instance.name)  \(instance.state == .inForce ? "in force" : instance.state.rawValue)")
                say("  host        \(instance.host)")
                say(
                    "  id          \(instance.id), life \(instance.number)\(instance.term.map { ", term \($0)" } ?? "")"
                )
                say("  build       \(instance.build)")
                say("  roles       \(instance.roles.joined(separator: ", "))")
                say("  shares      \(instance.shares) of \(Shard.shares), \(instance.jobs) jobs")
                if !instance.labels.isEmpty { say("  besides     \(instance.labels.joined(separator: ", "))") }
                if let silent = instance.silentSeconds {
                    say("  heard       \(List.span(silent)) ago; its lease is \(List.span(instance.leaseSeconds))")
                }
                let error = instance.clockErrorSeconds
                if abs(error) >= 0.001 {
                    let seconds = String(format: "%.3f s", abs(error))
                    say("  clock       \(seconds) \(error > 0 ? "ahead of" : "behind") the store's")
                }
            }
        }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have one give its jobs to the others, and take none.",
            discussion: "What it runs goes on. It lasts until the daemon is restarted, or `carillon instances undrain`."
        )
        @OptionGroup var place: DaemonLocation
        @Argument(help: "Its name or its id.") var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws { try await DaemonClient(place: place).tell(.drain(name, true), json: json) }
    }

    struct Undrain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Have one take its part again.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "Its name or its id.") var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws { try await DaemonClient(place: place).tell(.drain(name, false), json: json) }
    }

    struct Forget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget one that does not come back, with the jobs that only its files had.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "Its name or its id.") var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws { try await DaemonClient(place: place).tell(.forgetInstance(name), json: json) }
    }
}

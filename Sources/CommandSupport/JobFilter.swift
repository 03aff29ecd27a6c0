public import ArgumentParser
import CarillonConfiguration
package import CarillonCore
import CarillonDaemon
package import CarillonEngine
import Foundation

/// Which jobs a command is about: by name, pattern, tag and state.
package struct JobFilter: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Names, or patterns of names such as 'pay*'.", valueName: "name"), completion: .jobs)
    package var names: [String] = []
    @Option(help: "Only jobs with this tag; may be repeated for jobs that have all of them.") package var tag:
        [String] = []
    @Option(help: "Only jobs in this state; may be repeated.") package var state: [JobQuery.State] = []

    @Option(help: "Only jobs whose times are of this zone, such as Europe/Berlin.") package var timeZone: String?
    @Option(help: "Only jobs with a target of this kind, such as exec.") package var target: String?
    @Option(help: "Only jobs of this feed, such as files or orders.") package var feed: String?

    package init() {}

    package var isEmpty: Bool { query == JobQuery() }

    package var query: JobQuery {
        JobQuery(
            names: names, tags: tag, states: Set(state), zone: timeZone,
            target: target.map { Target.Kind(rawValue: $0) },
            feed: feed)
    }

    /// Whether it names each job, so that there is nothing to look for.
    private var isPlain: Bool { query == JobQuery(names: names) && !names.contains(where: Glob.isPattern) }

    /// The names of the jobs it is about, at least one. Throws `Failure`.
    package func select(_ client: DaemonClient) async throws -> [String] {
        if isEmpty {
            throw Failure.input(
                "give the name of a job, a pattern of names, --tag, --state, --time-zone, --target or --feed")
        }
        if isPlain { return names }
        var query = query
        query.limit = 1_000
        var found: [String] = []
        while true {
            let page = try await client.jobs(query).views
            found += page.map(\.name)
            guard page.count == query.limit, let last = page.last else { break }
            query.after = last.name
        }
        if found.isEmpty { throw Failure.failed("no job is like that") }
        return found
    }
}

extension JobQuery.State: ExpressibleByArgument {}
extension JobQuery.Order: ExpressibleByArgument {}
extension RunState: ExpressibleByArgument {}
extension Trigger: ExpressibleByArgument {}
extension BulkOperation.Action: ExpressibleByArgument {}

/// Numbers and nouns.
package enum Counted {
    /// `2,412`.
    package static func number(_ count: Int) -> String {
        var text = ""
        for (place, digit) in String(count.magnitude).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (count < 0 ? "-" : "") + String(text.reversed())
    }

    /// `812 bytes`, `4.2 MiB`.
    package static func bytes(_ count: Int64) -> String {
        var size = Double(count)
        guard size >= 1_024 else { return "\(count) bytes" }
        for unit in ["KiB", "MiB", "GiB"] {
            size /= 1_024
            if size < 1_024 { return String(format: "%.1f \(unit)", size) }
        }
        return String(format: "%.1f TiB", size / 1_024)
    }

    /// `1 job`, `2,412 jobs`.
    package static func noun(_ count: Int, _ noun: String) -> String {
        "\(number(count)) \(noun)\(count == 1 ? "" : "s")"
    }
}

/// Texts of several lines among labels.
package enum Lines {
    /// Each line with the label before the first.
    package static func numbered(_ text: String, _ label: String) -> [(label: String, line: String)] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().map { ($0.offset == 0 ? label : "", String($0.element)) }
    }
}

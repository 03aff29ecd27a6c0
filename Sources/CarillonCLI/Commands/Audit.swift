import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Timetable

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Who had Carillon do what, and when, newest first.",
        discussion: """
            Every order that changes something leaves a line, also one that was refused; --json has what was before and after.

            EXAMPLES
              carillon audit --since yesterday
              carillon audit backup
            """)
    @OptionGroup var place: DaemonLocation
    @OptionGroup var times: TimeOptions
    @Argument(help: "Only what concerns this job, run or feed.") var subject: String?
    @Option(help: "Only what this user did.") var user: String?
    @Option(
        help: """
            Only this: pause, resume, add, update, delete, enable, disable, stop, run, restart, resolve, skip, unskip, retry, \
            backfill, cancel, operate, undo, cancel operation, accept, drain, undrain, forget, add token, revoke token, \
            reload; announce and withdraw are words of Frappe's app.
            """)
    var action: String?
    @Option(help: "Since a time, a date, yesterday, 19:00, or for a span such as 24h.") var since: String?
    @Option(help: "Until such a time.") var until: String?
    @Option(help: "At most so many.") var limit = 50
    @Flag(help: "Print one JSON object a line.") var json = false

    func run() async throws {
        guard limit > 0 else { throw Failure.input("--limit: expected 1 or more") }
        let moment = try times.formatter()
        let reader = try TimeReader(moment, place: place, asked: try times.asked())
        let query = AuditQuery(
            subject: subject, user: user, action: action,
            since: try since.map { try reader.time($0, option: "--since") },
            until: try until.map { try reader.end($0, option: "--until") }, limit: limit)
        guard case .audits(let entries) = try await DaemonClient(place: place).ask(.audits(query)) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        if json {
            for entry in entries { try say(json: entry) }
            return
        }
        if entries.isEmpty { return say("nothing was ordered") }
        var table = TextTable(.fixed("WHEN"), .fixed("WHO"), .fixed("WHAT"), "SUBJECT", .first("CAME OF IT"))
        for entry in entries {
            let who = entry.user ?? entry.channel
            let outcome = Self.short(entry.error ?? entry.after ?? "")
            table.add(
                .init(moment.cell(entry.at, reader.zone.name)), .init(who), .init(entry.action),
                .init(Self.short(entry.subject ?? "")), .init(outcome, entry.error == nil ? nil : .red))
        }
        table.print()
        if entries.count == limit { Terminal.error("the newest \(limit); --limit for more") }
    }

    /// Shortens ids of runs on a narrow terminal, to what is still enough to ask for one.
    private static func short(_ text: String) -> String {
        guard Terminal.isNarrow else { return text }
        return text.replacing(/\b([0-9a-f]{12})[0-9a-f]{12}\b/) { String($0.1) }
    }
}

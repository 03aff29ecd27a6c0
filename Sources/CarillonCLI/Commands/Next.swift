import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

struct Next: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "When an expression fires, in its zone and in UTC.",
        discussion: """
            EXAMPLES
              carillon next '30 2 * * *' --zone America/New_York
              carillon next '0 9 * * MON#1' --count 5 --json
              carillon next '@every 90m' --after 2026-03-08T00:00:00Z
              carillon next --batch cases.jsonl      {"expr","tz","after","count","dialect","anchor"} a line
            """)

    @Argument(help: "A cron expression, a nickname such as @daily, or @every D.")
    var expression: String?

    @Option(help: "Time zone, an IANA name.")
    var zone = "UTC"

    @Option(help: "Times after this one (RFC 3339, or local in the zone). Default: now.")
    var after: String?

    @Option(help: "How many.")
    var count = 10

    @Option(help: "How the expression is read: unix, btu or quartz.")
    var dialect = "unix"

    @Option(help: ArgumentHelp("Read JSON lines from a file, or from standard input with -.", valueName: "file"))
    var batch: String?

    @Option(help: "The job's name, from which H takes its value.")
    var job: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if (expression == nil) == (batch == nil) { throw ValidationError("give an expression, or --batch FILE") }
        if count < 1 || count > 100_000 { throw ValidationError("--count is 1 to 100000") }
        if Dialect(rawValue: dialect) == nil { throw ValidationError("--dialect is unix, btu or quartz") }
    }

    func run() throws {
        let zones = ZoneDatabase()
        if let batch { return try runBatch(batch, zones) }
        guard let expression else { return }
        do {
            try show(expression, zones)
        } catch let error as ScheduleError {
            throw Failure.input("this does not parse:\n" + error.pointing(at: expression))
        }
    }

    private func show(_ expression: String, _ zones: ZoneDatabase) throws {
        let zone = try zones.zone(zone)
        let schedule = Schedule(
            rule: try .cron(parsing: expression, dialect: Dialect(rawValue: dialect) ?? .unix, hashKey: job),
            zone: zone)
        let now = SystemClock().now
        var start = now
        if let after, case .once(let time) = try Schedule.Rule.once(parsing: after, zone: zone) { start = time }
        var times: [Timestamp] = []
        var last = start
        while times.count < count, let time = schedule.next(after: last) {
            times.append(time)
            last = time
        }
        if json {
            // The form of --batch: its times are RFC 3339 with a fraction only where there is one.
            return try say(
                json: JSONObject([
                    ("expr", expression), ("tz", zone.name), ("english", schedule.english()),
                    ("next", times.map(\.rfc3339)),
                ]))
        }
        say("\(schedule.english())")
        if case .cron(let cron) = schedule.rule {
            for warning in cron.warnings { say("note: \(warning)") }
        }
        if times.isEmpty { return say("never") }
        let moment = TimeFormatter(now: now)
        var table = TextTable("LOCAL (\(zone.name))", "UTC", "")
        for time in times {
            table.add(.init(zone.format(time)), .init(time.rfc3339), .init(moment.relative(time), .grey))
        }
        table.print()
    }

    // MARK: Batch

    private func runBatch(_ path: String, _ zones: ZoneDatabase) throws {
        if path != "-", !FileManager.default.isReadableFile(atPath: path) {
            throw Failure.input("\(path): cannot be read")
        }
        guard let lines = path == "-" ? LineReader(STDIN_FILENO) : LineReader(path: path) else {
            throw Failure.input("\(path): cannot be read")
        }
        let now = SystemClock().now
        var number = 0
        while let line = lines.next() {
            number += 1
            if line.allSatisfy(\.isWhitespace) { continue }
            guard var object = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any] else {
                throw Failure.input("\(path):\(number): expected a JSON object")
            }
            object["next"] = nil
            do {
                object["next"] = try answer(object, zones, now).map(\.rfc3339)
            } catch {
                object["error"] = "\(error)"
            }
            let data = try JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
            Terminal.write(String(decoding: data, as: UTF8.self) + "\n")
        }
    }

    private func answer(
        _ object: [String: Any], _ zones: ZoneDatabase, _ now: Timestamp
    ) throws(ScheduleError) -> [Timestamp] {
        guard let expression = object["expr"] as? String else { throw ScheduleError("expr: expected text") }
        let zone = try zones.zone(object["tz"] as? String ?? zone)
        guard let dialect = Dialect(rawValue: object["dialect"] as? String ?? dialect) else {
            throw ScheduleError("dialect: expected unix, btu or quartz")
        }
        func time(_ key: String) throws(ScheduleError) -> Timestamp? {
            guard let text = object[key] as? String else { return nil }
            guard let time = Timestamp(rfc3339: text) else { throw ScheduleError("\(key): expected an RFC 3339 time") }
            return time
        }
        let rule = try Schedule.Rule.cron(
            parsing: expression, dialect: dialect, hashKey: object["job"] as? String ?? job,
            anchor: try time("anchor") ?? Timestamp(seconds: 0))
        let schedule = Schedule(rule: rule, zone: zone)
        var last = try time("after") ?? now
        var times: [Timestamp] = []
        let wanted = (object["count"] as? Int) ?? 10
        while times.count < wanted, let next = schedule.next(after: last) {
            times.append(next)
            last = next
        }
        return times
    }
}

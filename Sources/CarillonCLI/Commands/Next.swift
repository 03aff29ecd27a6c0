public import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

struct Next: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "When a schedule is due next, in its zone and in UTC.",
        discussion: """
            EXAMPLES
              carillon next '30 2 * * *' --zone America/New_York
              carillon next '0 9 * * MON#1' --count 5 --json
              carillon next '@every 90m' --after 2026-03-08T00:00:00Z
              carillon next --every 90m --anchor 2026-01-01T00:30:00Z
              carillon next --day-time 'Friday 10:00PM' --zone Europe/Berlin
              carillon next --job backup                         a job, as it is defined
              carillon next --batch cases.jsonl

            A line of --batch is {"expr","tz","after","count","dialect","anchor"}; the same line comes back with "next" or \
            "error".
            """)
    @OptionGroup var place: DaemonLocation

    @Argument(help: "A cron expression, a nickname such as @daily, or @every D.")
    var expression: String?

    @Option(help: "An interval: 15m, 1h30m.") var every: String?
    @Option(help: "Once: RFC 3339, or local in the zone.") var at: String?
    @Option(help: "A weekday and a time of day: 'Friday 10:00PM'.") var dayTime: String?
    @Option(help: "Where an interval counts from (RFC 3339).") var anchor: String?
    @Option(help: "Times that a clock change leaves out: run or skip.") var dstGap: DSTPolicy.Gap?
    @Option(help: "Times that come twice: first, second or both.") var dstOverlap: DSTPolicy.Overlap?

    @Option(help: "Time zone, an IANA name.", completion: .zones)
    var zone = "UTC"

    @Option(help: "Times after this one (RFC 3339, or local in the zone). Default: now.")
    var after: String?

    @Option(help: "How many.")
    var count = 10

    @Option(help: "How the expression is read: unix, btu or quartz.")
    var dialect = "unix"

    @Option(help: ArgumentHelp("Read JSON lines from a file, or from standard input with -.", valueName: "file"))
    var batch: String?

    @Option(help: "A job by its name; with an expression, the name from which H takes its value.")
    var job: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        let given = [expression, every, at, dayTime, batch].count { $0 != nil }
        if given > 1 || given == 0 && job == nil {
            throw ValidationError("give an expression, --every, --at, --day-time, --job NAME or --batch FILE")
        }
        if count < 1 || count > 100_000 { throw ValidationError("--count is 1 to 100000") }
        if Dialect(rawValue: dialect) == nil { throw ValidationError("--dialect is unix, btu or quartz") }
    }

    func run() async throws {
        let zones = ZoneDatabase()
        if let batch { return try runBatch(batch, zones) }
        let text = try await schedule()
        do {
            guard let schedule = try text.compile(job: job ?? "", zones: zones) else {
                throw Failure.failed("\(job ?? "") has no schedule: it runs only when it is asked to")
            }
            try show(schedule, text.summary)
        } catch let error as ScheduleError {
            throw Failure.input("this does not parse:\n" + error.pointing(at: expression ?? text.summary))
        }
    }

    /// The schedule that is asked for: written out, or a job's.
    private func schedule() async throws -> ScheduleText {
        let start = try anchor.map { text in
            guard let time = Timestamp(rfc3339: text) else {
                throw Failure.input("--anchor: expected an RFC 3339 time")
            }
            return time
        }
        let anchor = start ?? Timestamp(seconds: 0)
        let rule: ScheduleText.Rule
        if let expression {
            rule = .cron(expression, Dialect(rawValue: dialect) ?? .unix, anchor: anchor)
        } else if let every {
            rule = .every(every, anchor: anchor)
        } else if let at {
            rule = .once(at)
        } else if let dayTime {
            rule = .dayAndTime(dayTime)
        } else {
            return try await DaemonClient(place: place).definition(job ?? "").job.schedule
        }
        return ScheduleText(rule, zone: zone, dst: DSTPolicy(gap: dstGap, overlap: dstOverlap))
    }

    private func show(_ schedule: Schedule, _ expression: String) throws {
        let zone = schedule.zone
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
        var table = TextTable(.fixed("LOCAL (\(zone.name))"), .fixed("UTC"), "")
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

extension DSTPolicy.Gap: ExpressibleByArgument {}
extension DSTPolicy.Overlap: ExpressibleByArgument {}

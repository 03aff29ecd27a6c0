import CarillonCore
import ExecDispatcher
import FoundationEssentials
import Timetable

/// Makes jobs of keiji's tasks. Pure.
struct KeijiJob: Sendable {
    let zones: ZoneDatabase
    /// `TIME_ZONE`: of tasks that run on a day at a time.
    let zone: String
    /// Before every job's name.
    let prefix: String
    let catchUp: CatchUp

    static let source = "task_models"

    private struct Fault: Error {
        var key: String
        var message: String
    }

    func read(_ task: KeijiTask) -> Result<Job, ConfigProblem> {
        do throws(Fault) {
            return .success(try job(task))
        } catch {
            return .failure(
                ConfigProblem(source: Self.source, key: error.key, job: prefix + task.name, message: error.message))
        }
    }

    private func job(_ task: KeijiTask) throws(Fault) -> Job {
        let name = prefix + task.name
        if let fault = Job.fault(inName: name) { throw Fault(key: "name", message: fault) }
        guard let executable = task.executable, executable.hasPrefix("/"), executable.hasSuffix(".bin") else {
            throw Fault(key: "executable", message: "expected the path of a file that ends in .bin")
        }
        let schedule = try schedule(task)
        do {
            _ = try schedule.compile(job: name, zones: zones)
        } catch {
            throw Fault(key: "schedule_info", message: error.message)
        }
        // A task does not overlap itself; one that failed is looked at before it goes on.
        let policies = Policies(catchUp: catchUp, overlap: .skip, onFailure: .halt)
        let target: Target
        do {
            target = try Target(ExecTarget(.argv([executable, "--run"])))
        } catch {
            throw Fault(key: "executable", message: error.message)
        }
        var job = Job(
            name: name, schedule: schedule, target: target,
            policies: policies, origin: Origin(feed: "", source: Self.source))
        job.standing = Standing()
        if task.isDisabled {
            job.standing?.off = .disabled
        } else if task.isError {
            // The column holds a program's output, and what went wrong below it.
            let lines = (task.errorText ?? "").split(whereSeparator: \.isNewline)
            job.standing?.off = .halted(lines.last.map(String.init) ?? "")
        }
        return job
    }

    // MARK: Schedules

    /// A number, also one that was written as text.
    private struct Number: Decodable {
        var value: Int64?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                value = Int64(exactly: number)
            } else {
                value = Int64(try container.decode(String.self))
            }
        }
    }

    private struct Interval: Decodable {
        var units: String
        var interval: Number
    }

    private struct DayTime: Decodable {
        var day: String
        var time: String
    }

    private func schedule(_ task: KeijiTask) throws(Fault) -> ScheduleText {
        switch task.type {
        case "HMS":
            let info: Interval = try decode(task, #"{"units": "seconds", "interval": 10}"#)
            guard let unit = ["seconds": "s", "minutes": "m", "hours": "h"][info.units] else {
                throw Fault(
                    key: "schedule_info", message: "units: \"\(info.units)\" is none of seconds, minutes, hours")
            }
            guard let number = info.interval.value, number > 0 else {
                throw Fault(key: "schedule_info", message: "interval: expected a whole number above zero")
            }
            // Counted from when the task was made, so that a restart moves nothing.
            let anchor = task.createdAt.flatMap(Self.time) ?? Timestamp(seconds: 0)
            return ScheduleText(.every("\(number)\(unit)", anchor: anchor), zone: zone)
        case "DayTime":
            let info: DayTime = try decode(task, #"{"day": "Friday", "time": "10:00PM"}"#)
            return ScheduleText(.dayAndTime("\(info.day) \(info.time)"), zone: zone)
        case let type:
            throw Fault(key: "type", message: "\"\(type ?? "")\" is none of HMS, DayTime")
        }
    }

    private func decode<Info: Decodable>(_ task: KeijiTask, _ example: String) throws(Fault) -> Info {
        do {
            return try JSONDecoder().decode(Info.self, from: Data((task.scheduleInfo ?? "").utf8))
        } catch {
            throw Fault(key: "schedule_info", message: "expected JSON such as \(example)")
        }
    }

    /// Reads a time as Go's drivers and PostgreSQL write it.
    static func time(_ text: String) -> Timestamp? {
        var text = text.replacing(" ", with: "T", maxReplacements: 1)
        // PostgreSQL's offset of whole hours has no minutes.
        if let sign = text.dropFirst(11).lastIndex(where: { $0 == "+" || $0 == "-" }), text[sign...].count == 3 {
            text += ":00"
        }
        return Timestamp(rfc3339: text)
    }
}

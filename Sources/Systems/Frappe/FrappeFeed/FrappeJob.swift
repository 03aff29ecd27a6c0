public import CarillonCore
public import Timetable

/// Makes a job of a row.
public struct FrappeJob: Sendable {
    let zones: ZoneDatabase
    /// Before every job's name.
    let prefix: String
    let catchUp: CatchUp
    /// Microseconds in which a worker must have picked a run up; nil for as long as it takes.
    let startTimeout: Int64?

    public init(zones: ZoneDatabase, prefix: String, catchUp: CatchUp, startTimeout: Int64? = nil) {
        self.zones = zones
        self.prefix = prefix
        self.catchUp = catchUp
        self.startTimeout = startTimeout
    }

    /// What became of a row.
    public enum Reading: Sendable {
        case job(Job, ConfigProblem? = nil)
        case problem(ConfigProblem)
        /// Disabled, and of no use for a job.
        case nothing
    }

    static let schedules = "tabBTU Task Schedule"
    static let tasks = "tabBTU Task"

    public func read(_ row: FrappeRow, _ siteZones: FrappeZones) -> Reading {
        let name = prefix + row.name
        do throws(FrappeSchedule.Fault) {
            if let fault = Job.fault(inName: name) { throw FrappeSchedule.Fault(column: "name", message: fault) }
            let schedule = try schedule(row, siteZones, name)
            let (target, remark) = try target(row)
            let job = Job(
                name: name, schedule: schedule, target: try sealed(target),
                policies: Policies(catchUp: catchUp, overlap: .allow, startTimeout: startTimeout),
                enabled: row.enabled,
                origin: Origin(feed: "", source: Self.schedules))
            return .job(job, remark.map { problem(name, $0) })
        } catch {
            return row.enabled ? .problem(problem(name, error)) : .nothing
        }
    }

    private func sealed(_ target: FrappeTarget) throws(FrappeSchedule.Fault) -> Target {
        do throws(TargetFault) {
            return try Target(target)
        } catch {
            throw FrappeSchedule.Fault(column: "task", message: error.message)
        }
    }

    private func problem(_ name: String, _ fault: FrappeSchedule.Fault) -> ConfigProblem {
        ConfigProblem(source: Self.schedules, key: fault.column, job: name, message: fault.message)
    }

    private func schedule(
        _ row: FrappeRow, _ siteZones: FrappeZones, _ name: String
    ) throws(FrappeSchedule.Fault) -> ScheduleText {
        let parts = try FrappeSchedule.read(row, siteZones)
        let text = ScheduleText(.cron(parts.cron, parts.dialect, anchor: Timestamp(seconds: 0)), zone: parts.zone)
        do {
            guard let schedule = try text.compile(job: name, zones: zones) else { return text }
            if schedule.next(after: .distantPast) == nil {
                throw FrappeSchedule.Fault(column: "cron_string", message: "'\(parts.cron)' never comes true")
            }
            return text
        } catch let error as ScheduleError {
            let column = row.frequency?.trimmed == "Cron Style" ? "cron_string" : "run_frequency"
            throw FrappeSchedule.Fault(column: column, message: error.message)
        } catch let fault as FrappeSchedule.Fault {
            throw fault
        } catch {
            throw FrappeSchedule.Fault(column: "cron_string", message: "\(error)")
        }
    }

    /// Reads a row's target, with what is worth a word although the schedule runs.
    private func target(
        _ row: FrappeRow
    ) throws(FrappeSchedule.Fault) -> (FrappeTarget, FrappeSchedule.Fault?) {
        guard let task = row.task, !task.isEmpty else {
            throw FrappeSchedule.Fault(column: "task", message: "is empty; a schedule needs a task")
        }
        guard let found = row.taskRow else {
            throw FrappeSchedule.Fault(column: "task", message: "there is no task '\(task)' in \(Self.tasks)")
        }
        let (timeout, remark) = Self.timeout(found.longest)
        let words = [found.words, found.function, row.words].lazy.compactMap { $0?.trimmed }.first { !$0.isEmpty }
        let queue = [row.queue, found.queue].lazy.compactMap { $0?.trimmed }.first { !$0.isEmpty }
        let target = FrappeTarget(
            task: task, schedule: row.name, function: found.function?.trimmed ?? "", queue: queue ?? "default",
            timeout: timeout, describedAs: words ?? task)
        return (target, remark)
    }

    /// Reads `max_task_duration` in seconds; old rows hold text such as `600s`.
    static func timeout(_ text: String?) -> (Int64, FrappeSchedule.Fault?) {
        guard let text = text?.trimmed, !text.isEmpty else { return (FrappeTarget.defaultTimeout, nil) }
        let digits = text.hasSuffix("s") ? text.dropLast() : text[...]
        if let seconds = Int64(digits), seconds > 0 { return (seconds, nil) }
        return (
            FrappeTarget.defaultTimeout,
            FrappeSchedule.Fault(
                column: "max_task_duration",
                message: "'\(text)' is no number of seconds; \(FrappeTarget.defaultTimeout) are taken")
        )
    }
}

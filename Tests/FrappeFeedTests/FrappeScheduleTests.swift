import CarillonCore
import FrappeFeed
import Testing
import Timetable

/// The job that a row means.
struct FrappeScheduleTests {
    private let reader = FrappeJob(zones: ZoneDatabase(), prefix: "", catchUp: .latest)
    private let zones = FrappeZones(cron: "Europe/Berlin", site: "America/New_York")

    private func row(_ frequency: String?, _ change: (inout FrappeRow) -> Void = { _ in }) -> FrappeRow {
        var row = FrappeRow(name: "TS-000001")
        row.task = "TASK-0001"
        row.taskRow = FrappeRow.Task(function: "shop.pay", longest: "90")
        row.frequency = frequency
        // What the app writes there is UTC of some past day.
        row.cron = "59 23 31 12 *"
        change(&row)
        return row
    }

    private func schedule(_ row: FrappeRow) -> String {
        switch reader.read(row, zones) {
        case .job(let job, _): "\(job.schedule.summary) \(job.schedule.zone)"
        case .problem(let problem): "\(problem.key ?? "-"): \(problem.message)"
        case .nothing: "nothing"
        }
    }

    @Test func columnsMakeTheScheduleInTheSitesZone() {
        #expect(schedule(row("Hourly") { $0.minute = "5" }) == "5 * * * * America/New_York")
        #expect(schedule(row("Hourly")) == "0 * * * * America/New_York")
        #expect(schedule(row("Daily") { ($0.hour, $0.minute) = ("19", "0") }) == "0 19 * * * America/New_York")
        #expect(schedule(row("Daily") { $0.minute = "30" }) == "30 * * * * America/New_York")
        let weekly = row("Weekly") { ($0.hour, $0.minute, $0.weekday) = ("7", "15", "Monday") }
        #expect(schedule(weekly) == "15 7 * * 1 America/New_York")
        #expect(schedule(row("Weekly") { $0.weekday = "7" }) == "0 * * * 0 America/New_York")
        #expect(schedule(row("Weekly") { $0.weekday = "sun" }) == "0 * * * 0 America/New_York")
        let monthly = row("Monthly") { ($0.hour, $0.minute, $0.day) = ("0", "0", "31") }
        #expect(schedule(monthly) == "0 0 31 * * America/New_York")
        let yearly = row("Yearly") { ($0.hour, $0.day, $0.month) = ("12", "24", "December") }
        #expect(schedule(yearly) == "0 12 24 12 * America/New_York")
        #expect(schedule(row("Yearly") { ($0.day, $0.month) = ("1", "2") }) == "0 * 1 2 * America/New_York")
    }

    @Test func cronStyleIsWhatTheUserWroteInTheConfiguredZone() {
        #expect(schedule(row("Cron Style") { $0.cron = " 0 19 * * * " }) == "0 19 * * * Europe/Berlin")
        #expect(schedule(row("Cron Style") { $0.cron = "0 19 * * * 2030" }) == "0 19 * * * 2030 Europe/Berlin")
        #expect(schedule(row("Cron Style") { $0.cron = "*/5 * * * * * *" }) == "*/5 * * * * * * Europe/Berlin")
    }

    @Test(arguments: [
        (nil, "run_frequency: '' is none of Hourly, Daily, Weekly, Monthly, Yearly, Cron Style"),
        ("Fortnightly", "run_frequency: 'Fortnightly' is none of Hourly, Daily, Weekly, Monthly, Yearly, Cron Style"),
        ("Weekly", "day_of_week: is empty; expected 0 to 7"), ("Monthly", "day_of_month: is empty; expected 1 to 31"),
        ("Yearly", "day_of_month: is empty; expected 1 to 31"),
    ])
    func aRowWithoutItsColumnsSaysWhich(_ frequency: String?, _ fault: String) {
        #expect(schedule(row(frequency)) == fault)
        #expect(schedule(row(frequency) { $0.enabled = false }) == "nothing")
    }

    @Test func aRowWithWrongColumnsSaysWhich() {
        #expect(schedule(row("Daily") { $0.hour = "24" }) == "hour: '24' is no number from 0 to 23")
        #expect(schedule(row("Daily") { $0.minute = "x" }) == "minute: 'x' is no number from 0 to 59")
        #expect(schedule(row("Weekly") { $0.weekday = "Mo" }) == "day_of_week: 'Mo' is no number from 0 to 7")
        let impossible = row("Yearly") { ($0.day, $0.month) = ("30", "2") }
        #expect(schedule(impossible) == "cron_string: '0 * 30 2 *' never comes true")
        #expect(schedule(row("Cron Style") { $0.cron = nil }).hasPrefix("cron_string: a Cron Style schedule needs"))
        #expect(schedule(row("Cron Style") { $0.cron = "61 * * * *" }).hasPrefix("cron_string: minute"))
        #expect(schedule(row("Daily") { $0.task = nil }) == "task: is empty; a schedule needs a task")
        #expect(schedule(row("Daily") { $0.taskRow = nil }) == "task: there is no task 'TASK-0001' in tabBTU Task")
        let long = String(repeating: "ü", count: 101)
        #expect(schedule(row("Daily") { $0.name = long }).hasPrefix("name: a job's name has at most 200 bytes"))
    }

    @Test func theTargetHasTheTasksTimeOutAndTheSchedulesQueue() throws {
        func target(_ change: (inout FrappeRow) -> Void) throws -> (FrappeTarget, ConfigProblem?) {
            guard case .job(let job, let remark) = reader.read(row("Hourly", change), zones) else { throw NoTarget() }
            return (try job.target.open(as: FrappeTarget.self), remark)
        }
        var (found, remark) = try target { _ in }
        #expect(found.task == "TASK-0001" && found.schedule == "TS-000001" && found.timeout == 90)
        #expect(found.queue == "default" && found.describedAs == "shop.pay" && remark == nil)
        (found, _) = try target {
            ($0.queue, $0.words) = ("long", "Wages")
            $0.taskRow = .init(words: "Pays", function: "shop.pay", longest: "600s", queue: "short")
        }
        #expect(found.queue == "long" && found.describedAs == "Pays" && found.timeout == 600)
        (found, _) = try target { $0.taskRow = .init(words: "Pays", function: nil, longest: nil, queue: "short") }
        #expect(found.queue == "short" && found.describedAs == "Pays" && found.timeout == 600)
        (found, remark) = try target { $0.taskRow?.longest = "a while" }
        #expect(found.timeout == 600 && remark?.key == "max_task_duration")
    }

    private struct NoTarget: Error {}
}

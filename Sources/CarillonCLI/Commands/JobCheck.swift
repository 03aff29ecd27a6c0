import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import Timetable

/// What of a good job will fail all the same, on this machine or at this time.
enum JobCheck {
    static func warnings(_ job: Job, source: String, zones: ZoneDatabase) -> [ConfigProblem] {
        var words: [(key: String, message: String)] = []
        let now = SystemClock().now
        if case .once = job.schedule.rule, let schedule = try? job.schedule.compile(job: job.name, zones: zones),
            schedule.next(after: now) == nil
        {
            words.append(("at", "that time has passed; the job never runs"))
        }
        if let end = job.schedule.endsAt, end < now {
            words.append(("ends_at", "that time has passed; the job runs no more"))
        }
        for keys in Composition.current.targets { words += warnings(job.target, keys) }
        return words.map { ConfigProblem(source: source, key: $0.key, job: job.name, message: $0.message) }
    }

    private static func warnings<Keys: TargetKeys>(
        _ target: Target, _ keys: Keys.Type
    ) -> [(key: String, message: String)] {
        (try? target.open(as: Keys.Body.self)).map(keys.warnings) ?? []
    }
}

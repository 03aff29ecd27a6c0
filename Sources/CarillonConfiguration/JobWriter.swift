package import CarillonCore
import Timetable

/// Writes a job by the keys of a job file: `JobReader` reads it back as the same job.
package struct JobWriter: Sendable {
    private let targets: [any TargetKeys.Type]

    package init(targets: [any TargetKeys.Type]) { self.targets = targets }

    /// The job's table, its name first; what has its default is left out, but for the zone, whose default is the file's.
    ///
    /// Throws for a target that no key of a job file says, such as a task of a site.
    package func table(_ job: Job) throws(TargetFault) -> ConfigNode {
        var table = ConfigNode(.table([]))
        table.set("name", .text(job.name))
        write(job.schedule, to: &table)
        let keys = try keys(of: job.target)
        for (key, value) in try Self.target(job.target, by: keys) { table.set(key, value) }
        write(job.policies, to: &table, overlap: keys.defaultOverlap)
        if !job.enabled { table.set("enabled", .flag(false)) }
        if !job.tags.isEmpty { table.set("tags", .texts(job.tags)) }
        return table
    }

    /// The job as a file of jobs has it. Throws for what `table` throws for, and for a null, which TOML has no way to write.
    package func toml(_ job: Job) throws(TargetFault) -> String {
        guard case .table(let entries) = try table(job).value else { return "" }
        var text = "[[job]]\n"
        for (key, node) in entries {
            var value = TOMLText.value(node)
            if case .string(let words) = node.value { value = TOMLText.text(words) }
            guard let value else {
                throw TargetFault("\(key) holds a null, which TOML has no way to write; JSON has (--format json)")
            }
            text += "\(key) = \(value)\n"
        }
        return text
    }

    private func keys(of target: Target) throws(TargetFault) -> any TargetKeys.Type {
        guard let keys = targets.first(where: { Self.kind(of: $0) == target.kind }) else {
            throw TargetFault("no key of a job file says what it executes (\(target.kind): \(target.summary))")
        }
        return keys
    }

    private static func kind<Keys: TargetKeys>(of keys: Keys.Type) -> Target.Kind { Keys.Body.kind }

    private static func target<Keys: TargetKeys>(
        _ target: Target, by keys: Keys.Type
    ) throws(TargetFault) -> [(key: String, value: ConfigNode)] {
        keys.write(try target.open(as: Keys.Body.self))
    }

    private func write(_ schedule: ScheduleText, to table: inout ConfigNode) {
        var origin: Timestamp?
        switch schedule.rule {
        case .cron(let text, let dialect, let anchor):
            table.set("cron", .text(text))
            if dialect != .unix { table.set("dialect", .text(dialect.rawValue)) }
            origin = anchor
        case .every(let text, let anchor):
            table.set("every", .text(text))
            origin = anchor
        case .once(let text): table.set("at", .text(text))
        case .dayAndTime(let text): table.set("day_time", .text(text))
        case .manual: break
        }
        table.set("time_zone", .text(schedule.zone))
        if let origin, origin != Timestamp(seconds: 0) { table.set("anchor", .text(origin.rfc3339)) }
        if schedule.spread { table.set("spread", .flag(true)) }
        if schedule.jitter > 0 { table.set("jitter", Self.span(schedule.jitter)) }
        table.set("dst", "gap", .text(schedule.dst.gap?.rawValue))
        table.set("dst", "overlap", .text(schedule.dst.overlap?.rawValue))
        table.set("starts_at", .text(schedule.startsAt?.rfc3339))
        table.set("ends_at", .text(schedule.endsAt?.rfc3339))
        if schedule.exclusions.count == 1, let only = schedule.exclusions.first, only.name == "exclude" {
            table.set("exclude", .texts(only.dates))
        } else {
            for calendar in schedule.exclusions { table.set("exclude", calendar.name, .texts(calendar.dates)) }
        }
    }

    private func write(_ policies: Policies, to table: inout ConfigNode, overlap usual: Overlap) {
        let usually = Policies(overlap: usual)
        if policies.catchUp != usually.catchUp {
            switch policies.catchUp {
            case .skip: table.set("catch_up", .text("skip"))
            case .latest: table.set("catch_up", .text("latest"))
            case .all(let limit, let rate):
                table.set("catch_up", "all", .whole(Int64(limit)))
                if rate != CatchUp.defaultRate { table.set("catch_up", "rate", ConfigNode(.double(rate))) }
            }
        }
        if policies.overlap != usual {
            switch policies.overlap {
            case .allow: table.set("overlap", .text("allow"))
            case .skip: table.set("overlap", .text("skip"))
            case .queue(let most): table.set("overlap", "queue", .whole(Int64(most)))
            case .replace: table.set("overlap", .text("replace"))
            }
        }
        table.set("window", Self.span(policies.window))
        table.set("start_timeout", Self.span(policies.startTimeout))
        table.set("timeout", Self.span(policies.timeout))
        table.set("heartbeat_timeout", Self.span(policies.heartbeatTimeout))
        if policies.retry != .none { table.set("retry", Self.retry(policies.retry)) }
        if policies.onLost != .fail { table.set("on_lost", .text(policies.onLost.rawValue)) }
        if policies.onFailure != .proceed { table.set("on_failure", .text(policies.onFailure.rawValue)) }
        if let host = policies.host { table.set("host", .text(host)) }
        table.set("max_runs", .whole(policies.maxRuns))
        table.set("max_queue", .whole(policies.maxQueue.map(Int64.init)))
        if let signs = policies.signs {
            if signs.cancelTimeout != Signs.usualCancelTimeout {
                table.set("cancel_timeout", Self.span(signs.cancelTimeout))
            }
            table.set("max_republications", .whole(signs.maxRepublications.map(Int64.init)))
        }
    }

    private static func retry(_ retry: Retry) -> ConfigNode {
        let usually = Retry(attempts: retry.attempts, backoff: retry.backoff)
        var table = ConfigNode(.table([]))
        table.set("attempts", .whole(Int64(retry.attempts)))
        if retry.backoff != Retry.none.backoff { table.set("backoff", span(retry.backoff)) }
        if retry.longestBackoff != max(usually.longestBackoff, retry.backoff) {
            table.set("max_backoff", span(retry.longestBackoff))
        }
        if retry.on != usually.on { table.set("on", .texts(retry.on.map(\.rawValue).sorted())) }
        return table
    }

    private static func span(_ microseconds: Int64?) -> ConfigNode? { .text(microseconds.map(Span.format)) }
}

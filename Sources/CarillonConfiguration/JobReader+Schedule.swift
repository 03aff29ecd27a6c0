import CarillonCore
import Timetable

extension JobReader {
    private static let kinds = ["cron", "every", "at", "day_time"]

    func readSchedule(_ table: inout ConfigTable, name: String) -> ScheduleText? {
        let zone = table.string("time_zone") ?? defaultZone
        let dialect = table.choice("dialect", Dialect.self) ?? .unix
        let anchor = readInstant(&table, "anchor", zone: zone) ?? Timestamp(seconds: 0)
        let given = Self.kinds.filter { table.has($0) }
        if given.count > 1 {
            table.complain(given[1], "a job has one schedule; this one has \(given.joined(separator: " and "))")
        }
        var rule = ScheduleText.Rule.manual
        if let text = table.string("cron") { rule = .cron(text, dialect, anchor: anchor) }
        if let text = table.spanText("every") { rule = .every(text, anchor: anchor) }
        if let text = table.string("at") { rule = .once(text) }
        if let text = table.string("day_time") { rule = .dayAndTime(text) }
        var schedule = ScheduleText(rule, zone: zone)
        schedule.dst = readDST(&table)
        schedule.jitter = table.span("jitter") ?? 0
        schedule.spread = table.bool("spread") ?? false
        schedule.startsAt = readInstant(&table, "starts_at", zone: zone)
        schedule.endsAt = readInstant(&table, "ends_at", zone: zone)
        schedule.exclusions = readExclusions(&table)
        return check(schedule, &table, name: name, key: given.first) ? schedule : nil
    }

    private func readDST(_ table: inout ConfigTable) -> DSTPolicy {
        table.table("dst") { inner in
            DSTPolicy(
                gap: inner.choice("gap", DSTPolicy.Gap.self), overlap: inner.choice("overlap", DSTPolicy.Overlap.self))
        } ?? DSTPolicy()
    }

    private func readInstant(_ table: inout ConfigTable, _ key: String, zone: String) -> Timestamp? {
        guard let text = table.string(key) else { return nil }
        do {
            let rule = try Schedule.Rule.once(parsing: text, zone: try zones.zone(zone))
            if case .once(let time) = rule { return time }
        } catch {
            // An unknown zone is said once, where it stands.
            if (try? zones.zone(zone)) != nil { table.complain(key, error.message) }
        }
        return nil
    }

    private func readExclusions(_ table: inout ConfigTable) -> [ScheduleText.Calendar] {
        var calendars: [ScheduleText.Calendar] = []
        if case .table(let entries)? = table.node["exclude"]?.value {
            _ = table.table("exclude") { inner in
                for (name, _) in entries { readDates(&inner, name, name, &calendars) }
            }
        } else {
            readDates(&table, "exclude", "exclude", &calendars)
        }
        if let path = table.string("calendar") {
            do {
                calendars.append(try CalendarFile.read(path, relativeTo: directory))
            } catch {
                table.complain("calendar", error.message)
            }
        }
        return calendars
    }

    private func readDates(
        _ table: inout ConfigTable, _ key: String, _ name: String, _ calendars: inout [ScheduleText.Calendar]
    ) {
        guard let dates = table.strings(key) else { return }
        do {
            _ = try Exclusion(name: name, dates: dates)
            calendars.append(.init(name: name, dates: dates))
        } catch {
            table.complain(key, error.message)
        }
    }

    /// Compiles it once, so that whatever is wrong is said here, at its key.
    private func check(_ schedule: ScheduleText, _ table: inout ConfigTable, name: String, key: String?) -> Bool {
        do {
            _ = try zones.zone(schedule.zone)
        } catch {
            table.complain(table.has("time_zone") ? "time_zone" : nil, error.message)
            return false
        }
        do {
            let compiled = try schedule.compile(job: name, zones: zones)
            if case .cron(let expression)? = compiled?.rule, expression.isImpossible {
                table.complain(key, "there is no such date: '\(expression.text)' never comes before the year 2200")
                return false
            }
            return true
        } catch {
            table.complain(key, error.message)
            return false
        }
    }
}

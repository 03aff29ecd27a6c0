import Timetable

/// The schedule a row means (source: the columns of `tabBTU Task Schedule`).
///
/// For everything but `Cron Style` the app writes a cron string in UTC, with the offset of the day it was saved; the columns say
/// what the user chose, in the site's own zone.
enum FrappeSchedule {
    /// What is wrong with a row, with the column.
    struct Fault: Error, Hashable {
        var column: String
        var message: String
    }

    static func read(_ row: FrappeRow, _ zones: FrappeZones) throws(Fault) -> ScheduleParts {
        let frequency = row.frequency?.trimmed ?? ""
        switch frequency {
        case "Cron Style":
            guard let cron = row.cron?.trimmed, !cron.isEmpty else {
                throw Fault(column: "cron_string", message: "a Cron Style schedule needs a cron string; it is empty")
            }
            return ScheduleParts(cron: cron, dialect: .btu, zone: zones.cron)
        case "Hourly", "Daily", "Weekly", "Monthly", "Yearly": break
        default:
            throw Fault(
                column: "run_frequency",
                message: "'\(frequency)' is none of Hourly, Daily, Weekly, Monthly, Yearly, Cron Style")
        }
        let minute = try number(row.minute, "minute", 0...59) ?? 0
        // No hour means every hour.
        let hour = frequency == "Hourly" ? nil : try number(row.hour, "hour", 0...23)
        let time = "\(minute) \(hour.map(String.init) ?? "*")"
        let rest: String
        switch frequency {
        case "Weekly": rest = "* * \(try weekday(row.weekday))"
        case "Monthly": rest = "\(try required(row.day, "day_of_month", 1...31)) * *"
        case "Yearly":
            rest = "\(try required(row.day, "day_of_month", 1...31)) \(try month(row.month)) *"
        default: rest = "* * *"
        }
        return ScheduleParts(cron: "\(time) \(rest)", dialect: .unix, zone: zones.site)
    }

    /// Reads a whole number; nil for NULL and for nothing.
    private static func number(
        _ text: String?, _ column: String, _ range: ClosedRange<Int>
    ) throws(Fault) -> Int? {
        guard let text = text?.trimmed, !text.isEmpty else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Fault(
                column: column, message: "'\(text)' is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func required(
        _ text: String?, _ column: String, _ range: ClosedRange<Int>
    ) throws(Fault) -> Int {
        guard let number = try number(text, column, range) else {
            throw Fault(column: column, message: "is empty; expected \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static let weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
    private static let months = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    ]

    /// Reads a name, or a number as the user was shown it: 0 is Sunday, and so is 7.
    private static func weekday(_ text: String?) throws(Fault) -> Int {
        if let index = index(of: text, in: weekdays) { return index }
        return try required(text, "day_of_week", 0...7) % 7
    }

    private static func month(_ text: String?) throws(Fault) -> Int {
        if let index = index(of: text, in: months) { return index + 1 }
        return try required(text, "month", 1...12)
    }

    /// Finds a name by the whole of it, or by its first three letters.
    private static func index(of text: String?, in names: [String]) -> Int? {
        guard let text = text?.trimmed.lowercased(), text.count >= 3 else { return nil }
        return names.firstIndex { $0 == text || $0.prefix(3) == text }
    }
}

/// An expression with what it needs to be read.
struct ScheduleParts: Hashable, Sendable {
    var cron: String
    var dialect: Dialect
    var zone: String
}

extension String {
    var trimmed: String {
        var text = self[...]
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text.drop(while: \.isWhitespace))
    }
}

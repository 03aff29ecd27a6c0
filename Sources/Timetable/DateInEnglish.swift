/// The day, weekday, month and year fields in words.
struct DateInEnglish {
    private let rule: DayRule
    private let months: [Int]
    private let years: [Int]?

    init(_ masks: CronMasks) {
        rule = masks.day
        months = Array(Bits(masks.month))
        years = masks.years.map { years in Years.range.filter(years.contains) }
    }

    private var hasEveryDate: Bool { rule.days & ~1 == ~1 }
    private var hasEveryWeekday: Bool { rule.weekdays == 0x7F }

    /// Neither field leaves out a day.
    var isEveryDay: Bool {
        rule.needsBoth ? hasEveryDate && hasEveryWeekday : hasEveryDate || hasEveryWeekday
    }

    /// Begins with a comma when it is not empty.
    var phrase: String {
        var parts: [String] = []
        var namesMonth = false
        if isEveryDay {
            parts.append("every day")
        } else if rule.needsBoth, hasEveryDate {
            parts.append(weekdaysAlone)
            namesMonth = rule.nths != 0
        } else if rule.needsBoth, !hasEveryWeekday {
            parts.append("on " + EnglishNames.list(dates) + month + ", if it is " + condition)
            return finish(parts)
        } else {
            parts.append("on " + EnglishNames.list(dates))
            namesMonth = true
            if !rule.needsBoth, rule.weekdays != 0 || rule.nths != 0 {
                parts[0] += month + " and on " + weekdaysAsDays
                return finish(parts)
            }
        }
        if namesMonth { parts[0] += month } else if months.count < 12 { parts[0] += " in " + monthNames }
        return finish(parts)
    }

    private func finish(_ parts: [String]) -> String {
        var text = parts.joined(separator: ", ")
        if text.hasPrefix("every day") { text = " " + text } else { text = ", " + text }
        guard let years, let first = years.first, let last = years.last else { return text }
        let step = years.count > 3 ? years[1] - first : 0
        if step > 1, zip(years, years.dropFirst()).allSatisfy({ $1 - $0 == step }) {
            return text + ", every \(step) years from \(first) to \(last)"
        }
        return text + ", in " + EnglishNames.numbers(years)
    }

    /// `of the month`, `of January and July`.
    private var month: String {
        " of " + (months.count == 12 ? "the month" : monthNames)
    }

    private var monthNames: String {
        EnglishNames.list(EnglishNames.ranges(months) { EnglishNames.months[$0 - 1] })
    }

    /// `day 1`, `the last day`, `the weekday nearest day 15`.
    private var dates: [String] {
        var words: [String] = []
        let days = Array(Bits(rule.days))
        if !days.isEmpty { words.append(EnglishNames.counted("day", days)) }
        for day in Bits(rule.nearest) { words.append("the weekday nearest day \(day)") }
        for back in Bits(rule.lasts) { words.append(fromEnd(back)) }
        for back in Bits(rule.lastNearest) {
            words.append(back == 0 ? "the last weekday" : "the weekday nearest " + fromEnd(back))
        }
        return words
    }

    private func fromEnd(_ back: Int) -> String {
        switch back {
        case 0: "the last day"
        case 1: "the day before the last day"
        default: "the day \(back) days before the last day"
        }
    }

    /// Monday first, as weeks are spoken of.
    private var weekdayNumbers: [Int] {
        Array(Bits(rule.weekdays)).map { $0 == 0 ? 7 : $0 }.sorted()
    }

    private func name(_ weekday: Int) -> String { EnglishNames.weekdays[weekday % 7] }

    private var nthWeekdays: [String] {
        Bits(rule.nths).map { "the \(EnglishNames.ordinals[$0 % 6]) \(name($0 / 6))" }
    }

    /// Weekdays as the only condition: `Monday to Friday`, `every Friday`, `on the last Friday`.
    private var weekdaysAlone: String {
        if rule.nths != 0 { return "on " + weekdaysAsDays }
        let words = EnglishNames.ranges(weekdayNumbers, word: name)
        return (words.count == weekdayNumbers.count ? "every " : "") + EnglishNames.list(words)
    }

    /// Weekdays beside dates: `every Monday, every Friday and the last Sunday`.
    private var weekdaysAsDays: String {
        EnglishNames.list(weekdayNumbers.map { "every " + name($0) } + nthWeekdays)
    }

    private var condition: String {
        EnglishNames.list(weekdayNumbers.map { "a " + name($0) } + nthWeekdays, "or")
    }
}

/// Words for numbers, weekdays and months, and the ways to list them.
enum EnglishNames {
    static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    static let ordinals = ["last", "first", "second", "third", "fourth", "fifth"]

    /// Joins words: `a`, `a and b`, `a, b and c`.
    static func list(_ words: [String], _ conjunction: String = "and") -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " " + conjunction + " " + last
    }

    /// Writes the words with each run of three or more neighbours as `a to b`.
    static func ranges(_ values: [Int], word: (Int) -> String) -> [String] {
        var words: [String] = []
        var rest = values[...]
        while let first = rest.first {
            var length = 1
            while length < rest.count, rest[rest.startIndex + length] == first + length { length += 1 }
            if length < 3 { length = 1 }
            words.append(length == 1 ? word(first) : word(first) + " to " + word(first + length - 1))
            rest = rest.dropFirst(length)
        }
        return words
    }

    static func numbers(_ values: [Int]) -> String {
        list(ranges(values) { String($0) })
    }

    /// Writes `minute 5`, `minutes 5 and 10`, `every 7th minute from 0 to 56`.
    static func counted(_ noun: String, _ values: [Int]) -> String {
        if values.count > 6, let first = values.first, let last = values.last {
            let step = values[1] - first
            if step > 1, zip(values, values.dropFirst()).allSatisfy({ $1 - $0 == step }) {
                return "every \(step)\(suffix(step)) \(noun) from \(first) to \(last)"
            }
        }
        return noun + (values.count == 1 ? " " : "s ") + numbers(values)
    }

    private static func suffix(_ ordinal: Int) -> String {
        [2: "nd", 3: "rd"][ordinal] ?? "th"
    }

    /// Writes `every minute`, `every 15 minutes`.
    static func every(_ count: Int, _ unit: String) -> String {
        count == 1 ? "every " + unit : "every \(count) \(unit)s"
    }

    /// Writes `1 hour 30 minutes`; microseconds above zero.
    static func duration(_ microseconds: Int64) -> String {
        let names = ["day", "hour", "minute", "second", "millisecond", "microsecond"]
        var rest = microseconds
        var words: [String] = []
        for (unit, name) in zip(Span.units, names) where rest >= unit.microseconds {
            let count = rest / unit.microseconds
            words.append("\(count) \(name)\(count == 1 ? "" : "s")")
            rest %= unit.microseconds
        }
        return words.joined(separator: " ")
    }
}

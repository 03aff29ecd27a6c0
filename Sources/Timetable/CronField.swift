/// The fields of a cron expression, their ranges and their names (R3).
///
/// The raw values seed the hash behind `H` and never change.
enum CronField: UInt64 {
    case second = 1
    case minute, hour, day, month, weekday, year

    var name: String {
        switch self {
        case .second: "second"
        case .minute: "minute"
        case .hour: "hour"
        case .day: "day"
        case .month: "month"
        case .weekday: "weekday"
        case .year: "year"
        }
    }

    /// Answers the numbers that may be written.
    func range(_ dialect: Dialect) -> ClosedRange<Int> {
        switch self {
        case .second, .minute: 0...59
        case .hour: 0...23
        case .day: 1...31
        case .month: 1...12
        case .weekday: dialect == .quartz ? 1...7 : 0...7
        case .year: Years.range
        }
    }

    /// Answers the numbers `*` stands for.
    func span(_ dialect: Dialect) -> ClosedRange<Int> {
        self == .weekday && dialect != .quartz ? 0...6 : range(dialect)
    }

    /// Answers the numbers `H` chooses from: every month has them.
    func hashRange(_ dialect: Dialect) -> ClosedRange<Int> {
        self == .day ? 1...28 : span(dialect)
    }

    /// Says what is allowed, as the end of a message.
    func allowed(_ dialect: Dialect) -> String {
        let range = range(dialect)
        let numbers = "\(name)s are \(range.lowerBound)-\(range.upperBound)"
        switch self {
        case .month: return numbers + " or JAN-DEC"
        case .weekday: return numbers + " or SUN-SAT"
        default: return numbers
        }
    }

    /// Answers the number a name of three letters stands for; `name` is in upper case.
    func number(named name: some Sequence<UInt8>, _ dialect: Dialect) -> Int? {
        let name = String(decoding: Array(name), as: UTF8.self)
        switch self {
        case .month: return Self.months.firstIndex(of: name).map { $0 + 1 }
        case .weekday: return Self.weekdays.firstIndex(of: name).map { dialect == .quartz ? $0 + 1 : $0 }
        default: return nil
        }
    }

    private static let months = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ]
    private static let weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
}

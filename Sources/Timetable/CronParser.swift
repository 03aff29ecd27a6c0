/// Reads the text of a cron expression into ``CronMasks``.
struct CronParser {
    /// In upper case.
    let bytes: [UInt8]
    private let original: [UInt8]
    let dialect: Dialect
    let hashKey: String?
    private(set) var isInterval = false
    var warnings: [String] = []
    var dayRule = DayRule()
    private var fields: [CronField: Range<Int>] = [:]
    /// The columns of a nickname's fields would mean nothing to the reader.
    private let isNickname: Bool

    init(_ text: String, dialect: Dialect, hashKey: String?) throws(ScheduleError) {
        var source = try CronText(text)
        self.hashKey = hashKey
        isNickname = source.bytes[source.range.lowerBound] == 0x40
        if isNickname {
            let name = String(decoding: source.original[source.range], as: UTF8.self)
            guard let expansion = CronNickname.fields(of: name) else {
                throw CronNickname.unknown(name, column: source.range.lowerBound)
            }
            source = try CronText(expansion)
            self.dialect = .unix
        } else {
            self.dialect = dialect
        }
        bytes = source.bytes
        original = source.original
        try assign(source.words)
    }

    mutating func parse() throws(ScheduleError) -> CronMasks {
        let second = try fields[.second].map { range throws(ScheduleError) in try values(.second, range).low } ?? 1
        let minute = try set(.minute).low
        let hour = try set(.hour).low
        dayRule.days = UInt32(try set(.day).low)
        let month = try set(.month).low
        let weekdays = try set(.weekday).low
        dayRule.weekdays = UInt8((weekdays | weekdays >> 7) & 0x7F)
        dayRule.needsBoth = begins(.day, with: "*?") || begins(.weekday, with: "*?+")
        isInterval = begins(.second, with: "*") || begins(.minute, with: "*") || begins(.hour, with: "*")
        var years: Years?
        if let range = fields[.year] {
            let set = try values(.year, range)
            if !(Years.range.allSatisfy { set.contains($0 - Years.range.lowerBound) }) { years = Years(set) }
        }
        return CronMasks(
            second: second, minute: minute, hour: UInt32(hour), month: UInt16(month), day: dayRule, years: years)
    }

    private func begins(_ field: CronField, with characters: String) -> Bool {
        fields[field].map { characters.utf8.contains(bytes[$0.lowerBound]) } ?? false
    }

    private mutating func set(_ field: CronField) throws(ScheduleError) -> ValueSet {
        guard let range = fields[field] else { return ValueSet() }
        return try values(field, range)
    }

    /// Gives the words to the fields of the dialect (R2).
    private mutating func assign(_ words: [Range<Int>]) throws(ScheduleError) {
        let five: [CronField] = [.minute, .hour, .day, .month, .weekday]
        let layout: [CronField]
        switch (dialect, words.count) {
        case (.unix, 5), (.btu, 5): layout = five
        case (.btu, 6): layout = five + [.year]
        case (.unix, 6), (.quartz, 6): layout = [.second] + five
        case (_, 7): layout = [.second] + five + [.year]
        default: throw miscounted(words)
        }
        for (field, word) in zip(layout, words) { fields[field] = word }
        if dialect == .unix, words.count == 6, let last = words.last, looksLikeYear(last) {
            throw ScheduleError(
                "weekday: \(quoted(last)) is out of range; six fields are seconds first in dialect \"unix\": "
                    + "for five fields and a year set dialect = \"btu\"",
                field: "weekday", column: last.lowerBound)
        }
    }

    private func looksLikeYear(_ word: Range<Int>) -> Bool {
        var scanner = TextScanner(bytes[word])
        guard let number = scanner.number() else { return false }
        return Years.range.contains(number)
    }

    private func miscounted(_ words: [Range<Int>]) -> ScheduleError {
        let expected =
            switch dialect {
            case .unix:
                "5 (minute hour day month weekday), 6 with seconds first, or 7 with seconds first and the year last"
            case .btu: "5 (minute hour day month weekday), 6 with the year last, or 7 with seconds first as well"
            case .quartz: "6 (second minute hour day month weekday) or 7 with the year last"
            }
        let column = words.count > 7 ? words[7].lowerBound : words[0].lowerBound
        return ScheduleError(
            "found \(words.count) field\(words.count == 1 ? "" : "s"); expected \(expected)", column: column)
    }

    /// Reads the items of one field and joins them.
    private mutating func values(_ field: CronField, _ range: Range<Int>) throws(ScheduleError) -> ValueSet {
        var range = range
        // A leading plus joins the weekday to the day with AND (R6).
        if field == .weekday, bytes[range.lowerBound] == 0x2B { range = range.dropFirst() }
        if range.count == 1, bytes[range.lowerBound] == 0x3F, field == .day || field == .weekday {
            return Self.all(field, dialect)
        }
        var set = ValueSet()
        var start = range.lowerBound
        for index in range.lowerBound...range.upperBound {
            guard index == range.upperBound || bytes[index] == 0x2C else { continue }
            guard start < index else {
                throw error(field, "there is an empty item in the list", at: min(start, bytes.count))
            }
            try item(field, start..<index, into: &set)
            start = index + 1
        }
        return set
    }

    private static func all(_ field: CronField, _ dialect: Dialect) -> ValueSet {
        var set = ValueSet()
        for value in field.span(dialect) { set.insert(position(of: value, field, dialect)) }
        return set
    }

    /// Says where a number stands in the field's set: weekdays from Sunday = 0, years from 1970.
    static func position(of value: Int, _ field: CronField, _ dialect: Dialect) -> Int {
        switch field {
        case .weekday: dialect == .quartz ? value - 1 : value % 7
        case .year: value - Years.range.lowerBound
        default: value
        }
    }

    func quoted(_ range: Range<Int>) -> String {
        ScheduleError.quoted(original[range])
    }

    func error(_ field: CronField, _ message: String, at column: Int) -> ScheduleError {
        ScheduleError("\(field.name): \(message)", field: field.name, column: isNickname ? nil : column)
    }
}

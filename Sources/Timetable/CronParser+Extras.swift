extension CronParser {
    /// Reads the extras of day and weekday into the day rule; false when the item is none of them (R5).
    mutating func special(_ field: CronField, _ item: Range<Int>) throws(ScheduleError) -> Bool {
        switch field {
        case .day: return try specialDay(item)
        case .weekday: return try specialWeekday(item)
        default: return false
        }
    }

    /// Reads `L`, `L-n`, `LW`, `L-nW` and `nW`.
    private mutating func specialDay(_ item: Range<Int>) throws(ScheduleError) -> Bool {
        let isNearest = bytes[item.upperBound - 1] == 0x57
        let body = item.lowerBound..<(item.upperBound - (isNearest ? 1 : 0))
        var scanner = TextScanner(bytes[body])
        if scanner.skip(0x4C) {
            var back = 0
            if !scanner.isAtEnd {
                guard scanner.skip(0x2D), let number = scanner.number(), scanner.isAtEnd else {
                    throw notUnderstood(.day, item, "write L, L-n, LW or L-nW")
                }
                back = number
            }
            guard back <= 30 else {
                throw error(.day, "\(quoted(item)) counts back too far; L-n takes 0-30", at: item.lowerBound)
            }
            if isNearest { dayRule.lastNearest |= 1 << UInt32(back) } else { dayRule.lasts |= 1 << UInt32(back) }
            return true
        }
        guard isNearest else { return false }
        guard let day = scanner.number(), scanner.isAtEnd else {
            throw notUnderstood(.day, item, "W follows one day, like 15W")
        }
        guard CronField.day.range(dialect).contains(day) else {
            throw error(.day, "\(day) is out of range; \(CronField.day.allowed(dialect))", at: item.lowerBound)
        }
        dayRule.nearest |= 1 << UInt32(day)
        return true
    }

    /// Reads `nL`, `NAMEL`, `D#n` and `D#L`.
    private mutating func specialWeekday(_ item: Range<Int>) throws(ScheduleError) -> Bool {
        let hash = bytes[item].firstIndex(of: 0x23)
        let isLast = bytes[item.upperBound - 1] == 0x4C
        guard hash != nil || isLast else { return false }
        let form = "the nth weekday is D#1 to D#5, the last one D#L or DL, like FRI#2 or FRIL"
        let body = item.lowerBound..<(hash ?? item.upperBound - 1)
        guard !body.isEmpty, !bytes[body].contains(0x2D) else { throw notUnderstood(.weekday, item, form) }
        let weekday = Self.position(of: try value(.weekday, body, item), .weekday, dialect)
        var nth = 0
        if let hash {
            var scanner = TextScanner(bytes[(hash + 1)..<item.upperBound])
            if let number = scanner.number(), scanner.isAtEnd {
                guard (1...5).contains(number) else { throw notUnderstood(.weekday, item, form) }
                nth = number
            } else if !(isLast && item.upperBound == hash + 2) {
                throw notUnderstood(.weekday, item, form)
            }
        }
        dayRule.nths |= 1 << UInt64(6 * weekday + nth)
        return true
    }

    private func notUnderstood(_ field: CronField, _ item: Range<Int>, _ form: String) -> ScheduleError {
        error(field, "\(quoted(item)) is not understood; \(form)", at: item.lowerBound)
    }
}

extension PosixRule {
    /// Reads `EST5EDT,M3.2.0,M11.1.0`, `<+03>-3` and the like; nil when the text is not a rule.
    init?(_ text: some Sequence<UInt8>) {
        var scanner = TextScanner(text)
        guard let name = scanner.abbreviation(), let west = scanner.posixTime(hours: 24) else { return nil }
        standard = ZoneType(offset: -west, isDaylight: false, abbreviation: name)
        if scanner.isAtEnd { return }
        guard let name = scanner.abbreviation() else { return nil }
        var offset = standard.offset + 3600
        if scanner.peek != 0x2C {
            guard let west = scanner.posixTime(hours: 24) else { return nil }
            offset = -west
        }
        guard scanner.skip(0x2C), let start = scanner.posixDate(), scanner.skip(0x2C), let end = scanner.posixDate(),
            scanner.isAtEnd
        else { return nil }
        daylight = Daylight(
            type: ZoneType(offset: offset, isDaylight: true, abbreviation: name), start: start, end: end)
    }
}

extension TextScanner {
    /// Reads three or more letters, or anything of letters, digits and signs in angle brackets.
    fileprivate mutating func abbreviation() -> String? {
        let isQuoted = skip(0x3C)
        var name = ""
        while let byte = peek {
            let isLetter = (0x41...0x5A).contains(byte & 0xDF)
            let isSignOrDigit = byte == 0x2B || byte == 0x2D || (0x30...0x39).contains(byte)
            guard isLetter || (isQuoted && isSignOrDigit) else { break }
            name.unicodeScalars.append(Unicode.Scalar(byte))
            _ = skip(byte)
        }
        if isQuoted, !skip(0x3E) { return nil }
        return name.utf8.count >= 3 ? name : nil
    }

    /// Reads `[+-]hh[:mm[:ss]]` as seconds.
    fileprivate mutating func posixTime(hours limit: Int) -> Int? {
        let isNegative = peek == 0x2D
        _ = skip(0x2B) || skip(0x2D)
        guard let hours = number(), hours <= limit else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] where skip(0x3A) {
            guard let value = number(), value < 60 else { return nil }
            seconds += value * unit
        }
        return isNegative ? -seconds : seconds
    }

    fileprivate mutating func posixDate() -> PosixDate? {
        let day: PosixDay
        if skip(0x4D) {
            guard let month = number(), (1...12).contains(month), skip(0x2E), let week = number(),
                (1...5).contains(week), skip(0x2E), let weekday = number(), weekday < 7
            else { return nil }
            day = .weekday(month: month, week: week, day: weekday)
        } else if skip(0x4A) {
            guard let number = number(), (1...365).contains(number) else { return nil }
            day = .julian(number)
        } else {
            guard let number = number(), number < 366 else { return nil }
            day = .ordinal(number)
        }
        guard skip(0x2F) else { return PosixDate(day: day, time: 7200) }
        return posixTime(hours: 167).map { PosixDate(day: day, time: $0) }
    }
}

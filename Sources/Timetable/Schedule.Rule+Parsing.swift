extension Schedule.Rule {
    /// Reads cron text: an expression, a nickname, `@reboot`, or `@every D`, which counts from the anchor (R12, R13).
    public static func cron(
        parsing text: String, dialect: Dialect, hashKey: String?, anchor: Timestamp = .init(seconds: 0)
    ) throws(ScheduleError) -> Schedule.Rule {
        let source = try CronText(text)
        let words = source.words
        let name = String(decoding: source.original[words[0]], as: UTF8.self)
        if name == "@reboot", words.count == 1 { return .reboot }
        guard name == "@every" else {
            return .cron(try CronExpression(text, dialect: dialect, hashKey: hashKey))
        }
        guard words.count == 2 else {
            throw ScheduleError(
                "@every takes one length of time without blanks, like @every 1h30m", column: words[0].lowerBound)
        }
        do {
            let wholeSeconds = Span.units.filter { $0.microseconds >= Span.second }
            let interval = try Span.parse(source.original[words[1]], units: wholeSeconds)
            return .every(interval: try checked(interval, atLeast: Span.second), anchor: anchor)
        } catch {
            throw ScheduleError("@every: \(error.message)", column: words[1].lowerBound)
        }
    }

    /// Reads an interval: `15m`, `1h30m`, `250ms`; plain digits are milliseconds.
    ///
    /// 1 ms to 366 d: less than a millisecond no timer keeps, and more than a year is a matter for cron.
    public static func every(parsing text: String, anchor: Timestamp) throws(ScheduleError) -> Schedule.Rule {
        let isBare = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        let interval = isBare ? milliseconds(text) : try Span.parse(text)
        return .every(interval: try checked(interval, atLeast: 1000), anchor: anchor)
    }

    /// Reads one instant: RFC 3339 with an offset, or `2026-12-24T18:00` or `2026-12-24 18:00:30` in the zone.
    ///
    /// A blank may also stand before a time with an offset, as TOML has it. Of two passes the earlier is taken; a time in
    /// a gap stands for the moment of the change.
    public static func once(parsing text: String, zone: Zone) throws(ScheduleError) -> Schedule.Rule {
        if let instant = Timestamp(rfc3339: text) { return .once(instant) }
        if let blank = text.utf8.firstIndex(of: 0x20),
            let instant = Timestamp(rfc3339: text[..<blank] + "T" + text[text.index(after: blank)...])
        {
            return .once(instant)
        }
        var scanner = TextScanner(text.utf8)
        guard let local = scanner.dateTime(separators: [0x54, 0x74, 0x20], secondsOptional: true), scanner.isAtEnd,
            !local.isLeapSecond
        else {
            throw ScheduleError(
                "\(ScheduleError.quoted(text.utf8)) is not a time; write it like 2026-12-24T18:00:00+01:00, "
                    + "or 2026-12-24T18:00 in the job's zone")
        }
        switch zone.place(ofWall: local.seconds) {
        case .at(let seconds):
            return .once(Timestamp(seconds: Int64(seconds)).adding(microseconds: Int64(local.microsecond)))
        case .inGap(let change): return .once(Timestamp(seconds: Int64(change)))
        }
    }

    /// Moves an `every` by a phase from a hash of the key, the same for ever; leaves other rules as they are.
    ///
    /// The phase is below the interval, in whole seconds for intervals of a minute or more, else in milliseconds.
    public func spread(key: String) -> Schedule.Rule {
        guard case .every(let interval, let anchor) = self else { return self }
        let unit = interval >= 60 * Span.second ? Span.second : 1000
        let phase = StableHash.reduce(StableHash.hash(key.utf8, seed: Self.spreadSeed), below: interval / unit) * unit
        return .every(interval: interval, anchor: anchor.adding(microseconds: phase))
    }

    /// Keeps the phase of a job apart from the values of its `H` fields.
    private static let spreadSeed: UInt64 = 64

    private static let longestInterval = 366 * 86_400 * Span.second

    private static func milliseconds(_ digits: String) -> Int64 {
        let (product, overflow) = (Int64(digits) ?? .max).multipliedReportingOverflow(by: 1000)
        return overflow ? .max : product
    }

    private static func checked(_ interval: Int64, atLeast least: Int64) throws(ScheduleError) -> Int64 {
        guard (least...longestInterval).contains(interval) else {
            throw ScheduleError(
                "an interval of \(Span.format(interval)) is out of range; intervals are \(Span.format(least)) to 366d")
        }
        return interval
    }
}

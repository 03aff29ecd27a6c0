extension Schedule.Rule {
    /// Reads a day of the week and a time, `Friday 10:00PM` or `Friday 22:00`, as the fixed cron rule it spells.
    ///
    /// Names in full or of three letters, in any case; `daily` stands for every day; seconds may follow the minutes.
    public static func dayAndTime(parsing text: String) throws(ScheduleError) -> Schedule.Rule {
        let words = text.utf8.split { $0 == 0x20 || $0 == 0x09 }.map {
            String(decoding: $0, as: UTF8.self).lowercased()
        }
        guard words.count == 2 || words.count == 3, let day = day(words[0]),
            let time = time(words.dropFirst().joined())
        else {
            throw ScheduleError(
                "\(ScheduleError.quoted(text.utf8)) is not a day and a time; write it like Friday 22:00 or Friday 10:00PM"
            )
        }
        let seconds = time % 60 == 0 ? "" : "\(time % 60) "
        return .cron(try CronExpression("\(seconds)\(time / 60 % 60) \(time / 3600) * * \(day)"))
    }

    private static func day(_ word: String) -> String? {
        if word == "daily" { return "*" }
        let index = EnglishNames.weekdays.firstIndex { $0.lowercased() == word || $0.lowercased().prefix(3) == word }
        return index.map { String($0) }
    }

    /// Reads `22:00`, `22:00:30`, `10:00pm` or `10pm` as seconds since midnight.
    private static func time(_ word: String) -> Int? {
        var scanner = TextScanner(word.utf8)
        guard let hour = scanner.number() else { return nil }
        var time = hour * 3600
        var parts = 0
        for unit in [60, 1] where scanner.skip(0x3A) {
            guard let value = scanner.digits(2), value < 60 else { return nil }
            time += value * unit
            parts += 1
        }
        if scanner.isAtEnd { return parts > 0 && hour < 24 ? time : nil }
        let isAfternoon = scanner.peek == 0x70
        guard scanner.skip(0x61) || scanner.skip(0x70), scanner.skip(0x6D), scanner.isAtEnd, (1...12).contains(hour)
        else { return nil }
        return time + ((isAfternoon ? 12 : 0) - (hour == 12 ? 12 : 0)) * 3600
    }
}

extension Schedule {
    /// Says what the schedule means, in a sentence without a full stop: `at 19:00, Monday to Friday (Europe/Berlin)`.
    public func english() -> String {
        var text = ruleInEnglish
        if jitter > 0 { text += ", up to \(EnglishNames.duration(jitter)) later" }
        if let startsAt { text += ", not before \(zone.format(startsAt))" }
        if let endsAt { text += ", not after \(zone.format(endsAt))" }
        if !exclusions.isEmpty { text += ", except on the dates of \(EnglishNames.list(exclusions.map(\.name)))" }
        return text
    }

    private var ruleInEnglish: String {
        switch rule {
        case .cron(let expression):
            return expression.english() + " (\(zone.name))"
        case .every(let interval, _):
            let duration = EnglishNames.duration(interval)
            let isOne = duration.hasPrefix("1 ") && !duration.dropFirst(2).contains(" ")
            return "every " + (isOne ? String(duration.dropFirst(2)) : duration)
        case .once(let moment):
            return "once at \(zone.format(moment))"
        case .reboot:
            return "at each boot of the machine"
        }
    }
}

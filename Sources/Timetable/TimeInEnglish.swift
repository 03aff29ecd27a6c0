/// The second, minute and hour fields in words.
struct TimeInEnglish {
    private let seconds: [Int]
    private let minutes: [Int]
    private let hours: [Int]

    init(_ masks: CronMasks) {
        seconds = Array(Bits(masks.second))
        minutes = Array(Bits(masks.minute))
        hours = Array(Bits(masks.hour))
    }

    /// The words, and whether they are times of the clock: `at 19:00`.
    var phrase: (text: String, namesClock: Bool) {
        if seconds.count * minutes.count * hours.count <= 6, let clocks { return ("at " + clocks, true) }
        return (seconds == [0] ? withoutSeconds : withSeconds, false)
    }

    private var clocks: String? {
        let times = hours.flatMap { hour in
            minutes.flatMap { minute in seconds.map { hour * 3600 + minute * 60 + $0 } }
        }
        return EnglishNames.list(times.map { seconds == [0] ? Digits.clock($0) : Digits.time($0) })
    }

    private var withoutSeconds: String {
        if let step = cycle(minutes, of: 60) {
            let every = EnglishNames.every(step, "minute")
            if hours.count == 24 { return every }
            if let window { return every + " from " + window }
            return every + " of " + EnglishNames.counted("hour", hours)
        }
        guard minutes.count == 1, let minute = minutes.first else {
            return "at " + EnglishNames.counted("minute", minutes) + " of " + hoursPhrase
        }
        if hours.count == 24 {
            return minute == 0 ? "every hour" : "every hour at \(minute) minute\(minute == 1 ? "" : "s") past"
        }
        if let step = hourStep, let first = hours.first {
            let start = first * 60 + minute
            return EnglishNames.every(step, "hour") + (start == 0 ? "" : " from " + Digits.clock(start * 60))
        }
        if let window { return "every hour from " + window }
        return "at " + EnglishNames.counted("minute", minutes) + " of " + hoursPhrase
    }

    private var withSeconds: String {
        let first =
            cycle(seconds, of: 60).map { EnglishNames.every($0, "second") }
            ?? "at " + EnglishNames.counted("second", seconds)
        if minutes.count == 60, hours.count == 24 {
            return seconds.count == 60 || cycle(seconds, of: 60) != nil ? first : first + " of every minute"
        }
        if cycle(seconds, of: 60) == nil, cycle(minutes, of: 60) != nil, minutes.count < 60 {
            return first + ", " + withoutSeconds
        }
        let middle = minutes.count == 60 ? "every minute" : EnglishNames.counted("minute", minutes)
        return first + " of " + middle + " of " + hoursPhrase
    }

    private var hoursPhrase: String {
        hours.count == 24 ? "every hour" : EnglishNames.counted("hour", hours)
    }

    /// From the first to the last minute of hours without a break: `09:00 to 17:55`.
    private var window: String? {
        guard hours.count > 1 || minutes.count > 1, isRun(hours), let first = hours.first, let last = hours.last,
            let firstMinute = minutes.first, let lastMinute = minutes.last
        else { return nil }
        return Digits.clock(first * 3600 + firstMinute * 60) + " to " + Digits.clock(last * 3600 + lastMinute * 60)
    }

    /// The step of hours which go round the day evenly.
    private var hourStep: Int? {
        guard hours.count > 2, 24 % hours.count == 0 else { return nil }
        let step = 24 / hours.count
        return zip(hours, hours.dropFirst()).allSatisfy { $1 - $0 == step } ? step : nil
    }

    /// Finds the step of values from 0 which go round evenly: 15 for 0, 15, 30, 45.
    private func cycle(_ values: [Int], of length: Int) -> Int? {
        guard values.count > 1, length % values.count == 0 else { return nil }
        let step = length / values.count
        return values == Array(stride(from: 0, to: length, by: step)) ? step : nil
    }

    private func isRun(_ values: [Int]) -> Bool {
        zip(values, values.dropFirst()).allSatisfy { $1 == $0 + 1 }
    }
}

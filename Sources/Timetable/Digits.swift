/// Numbers as text, padded with zeros.
enum Digits {
    static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value.magnitude)
        let zeros = String(repeating: "0", count: max(0, width - digits.utf8.count))
        return (value < 0 ? "-" : "") + zeros + digits
    }

    /// Writes `2026-03-08`; years past 9999 carry a plus sign.
    static func date(_ year: Int, _ month: Int, _ day: Int) -> String {
        (year > 9999 ? "+" : "") + padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2)
    }

    /// Writes `07:00:00` from seconds since midnight.
    static func time(_ seconds: Int) -> String {
        clock(seconds) + ":" + padded(seconds % 60, 2)
    }

    /// Writes `07:00` from seconds since midnight.
    static func clock(_ seconds: Int) -> String {
        padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2)
    }
}

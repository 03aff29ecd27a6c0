import Timetable

extension Timestamp {
    /// Writes the wall time with its offset, in whole seconds as Go's SQLite drivers do (`2026-11-01 10:00:00+00:00`),
    /// or milliseconds as its `slog` does (`2026-11-01T10:00:00.042+03:00`, and `Z` for no offset).
    func text(in zone: Zone, separator: String = "T", milliseconds: Bool = false) -> String {
        let offset = zone.offset(at: self).seconds
        let wall = Timestamp(seconds: seconds + Int64(offset)).rfc3339.dropLast()
        let tail = milliseconds ? "." + Self.padded(Int((microseconds - seconds * 1_000_000) / 1_000), 3) : ""
        if milliseconds, offset == 0 { return wall + tail + "Z" }
        let minutes = abs(offset) / 60
        let sign = offset < 0 ? "-" : "+"
        return wall.replacing("T", with: separator) + tail + sign + Self.padded(minutes / 60, 2) + ":"
            + Self.padded(minutes % 60, 2)
    }

    private static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

/// cronie's random ranges: `15~45`, `~`, `6~`, `~18`.
enum CrontabRange {
    /// Where a bound is left out: minutes, hours, days that every month has, months, weekdays.
    private static let limits = [(0, 59), (0, 23), (1, 28), (1, 12), (0, 6)]

    /// Writes each range as the hashed one that is nearest to it; cron draws anew whenever it reads the file.
    static func hashed(_ fields: [String]) -> [String] {
        guard fields.count == limits.count else { return fields }
        return zip(fields, limits).map { field, limits in
            field.split(separator: ",", omittingEmptySubsequences: false).map { hashed($0, limits) }
                .joined(separator: ",")
        }
    }

    private static func hashed(_ item: Substring, _ limits: (first: Int, last: Int)) -> String {
        let bounds = item.split(separator: "~", omittingEmptySubsequences: false)
        guard bounds.count == 2 else { return String(item) }
        if item == "~" { return "H" }
        let first = bounds[0].isEmpty ? "\(limits.first)" : "\(bounds[0])"
        let last = bounds[1].isEmpty ? "\(limits.last)" : "\(bounds[1])"
        return "H(\(first)-\(last))"
    }
}

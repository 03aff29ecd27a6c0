/// The expressions that nicknames stand for (R12).
enum CronNickname {
    static let expansions: [(name: String, fields: String)] = [
        ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"), ("@monthly", "0 0 1 * *"), ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@hourly", "0 * * * *"),
    ]

    /// Answers the five fields of a nickname, which is in lower case.
    static func fields(of name: String) -> String? {
        expansions.first { $0.name == name }?.fields
    }

    static func unknown(_ name: String, column: Int) -> ScheduleError {
        let known = expansions.map(\.name).joined(separator: ", ")
        return ScheduleError(
            "\(ScheduleError.quoted(name.utf8)) is not a nickname; known are \(known), @reboot and @every with a length "
                + "like 1h30m, in lower case", column: column)
    }
}

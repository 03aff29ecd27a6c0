/// How the fields of a cron expression are laid out; a setting of each schedule, never guessed (R2).
public enum Dialect: String, Sendable, Hashable, Codable, CaseIterable {
    /// Five fields; six with seconds first; seven with seconds first and the year last.
    case unix
    /// As ``unix``, but six fields are five and a year.
    case btu
    /// Six or seven fields, seconds first; weekdays 1 = Sunday to 7 = Saturday; ranges wrap.
    case quartz
}

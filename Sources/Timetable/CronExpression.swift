/// A cron expression: the wall times at which something is due (R1 to R14).
///
/// Holds bits only; finding an occurrence allocates nothing.
public struct CronExpression: Hashable, Sendable {
    /// The text as it was given.
    public let text: String
    /// The layout the text was read in.
    public let dialect: Dialect
    /// Fires at real instants, not once for each wall time: second, minute or hour begins with `*` (R7).
    public let isInterval: Bool
    /// What was accepted but may not mean what was meant, one sentence each.
    public let warnings: [String]
    let masks: CronMasks

    /// Reads an expression or one of the nicknames `@yearly` to `@hourly`.
    ///
    /// `hashKey` is the name of the job, from which `H` takes its values; `H` without it is an error. `@every` and
    /// `@reboot` are other rules: see ``Schedule/Rule/cron(parsing:dialect:hashKey:anchor:)``.
    public init(_ text: String, dialect: Dialect = .unix, hashKey: String? = nil) throws(ScheduleError) {
        var parser = try CronParser(text, dialect: dialect, hashKey: hashKey)
        masks = try parser.parse()
        isInterval = parser.isInterval
        warnings = parser.warnings
        self.text = text
        self.dialect = dialect
    }

    /// No wall time up to the end of 2199 matches, like `0 0 30 2 *` (R14).
    public var isImpossible: Bool {
        masks.first(atOrAfter: 0) == .max
    }
}

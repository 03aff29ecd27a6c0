package import CarillonConfiguration

/// `[simple_scheduler]`: how what it has left in a database is taken over.
package struct SimpleSchedulerSettings: SettingsSection {
    /// Microseconds without a sign of life after which whoever of its schedulers has a job is taken to be gone: twice the interval
    /// at which, as published, they look for jobs.
    package var silence: Int64 = 600_000_000

    package init() {}

    package static func read(_ settings: inout SettingsTable) -> SimpleSchedulerSettings? {
        settings.table.table("simple_scheduler") { table in
            var section = SimpleSchedulerSettings()
            section.silence = table.span("silence") ?? section.silence
            return section
        } ?? SimpleSchedulerSettings()
    }
}

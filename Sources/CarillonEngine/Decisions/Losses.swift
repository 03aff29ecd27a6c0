/// Sources that have suddenly lost their jobs, each with a moment in which these may return.
struct Losses {
    /// Uptimes at which the losses were seen.
    private var since: [String: Int64] = [:]

    /// When the first moment is over; nil while nothing is lost.
    private(set) var next: Int64?

    /// Answers the sources that still have time, of those that have lost their jobs by now. `wait` is in microseconds.
    mutating func waiting(_ sources: some Collection<String>, at uptime: Int64, for wait: Int64) -> Set<String> {
        let before = since
        since = [:]
        var waiting: Set<String> = []
        for source in sources {
            let start = before[source] ?? uptime
            guard uptime - start < wait else { continue }
            since[source] = start
            waiting.insert(source)
        }
        next = since.values.min().map { $0 + wait }
        return waiting
    }
}

import CarillonCore

/// What comes over a channel is looked at before anybody works with it.
extension Order {
    /// Jobs or runs in one answer.
    private static let most = 1_000_000

    /// Answers the same order, names in their one spelling. Throws `OrderError` of code `bad` for what makes no sense.
    func checked() throws(OrderError) -> Order {
        switch self {
        case .jobs(let after, let limit):
            try Self.check(limit)
            return .jobs(after: after.map(Job.canonical), limit: limit)
        case .runs(var query):
            try Self.check(query.limit)
            query.job = query.job.map(Job.canonical)
            return .runs(query)
        case .put(let job, let replacing):
            if let fault = job.fault { throw OrderError(.bad, fault) }
            return .put(job, replacing: replacing)
        case .job(let name): return .job(Job.canonical(name))
        case .why(let job, let time): return .why(job: Job.canonical(job), time: time)
        case .delete(let name): return .delete(Job.canonical(name))
        case .enable(let name, let isOn): return .enable(Job.canonical(name), isOn)
        case .stop(let name): return .stop(Job.canonical(name))
        case .restart(let name): return .restart(Job.canonical(name))
        case .resolve(let name): return .resolve(Job.canonical(name))
        case .start(let name): return .start(Job.canonical(name))
        case .run, .feeds, .status, .cancel, .pause, .resume, .acceptFeed: return self
        }
    }

    private static func check(_ limit: Int) throws(OrderError) {
        guard (1...most).contains(limit) else { throw OrderError(.bad, "limit: expected 1 to \(most), found \(limit)") }
    }
}

import CarillonCore
import Timetable

/// What comes over a channel is looked at before anybody works with it.
extension Order {
    /// Jobs or runs in one answer.
    private static let most = 1_000_000
    /// Names and tags in one question; a store has a condition for each.
    private static let mostWords = 500
    /// Bytes that a run is given along.
    private static let mostArguments = 65_536
    /// Bytes of a key that a run is asked for under.
    private static let longestKey = 255

    /// Answers the same order, names in their one spelling. Throws `OrderError` of code `bad` for what makes no sense.
    func checked() throws(OrderError) -> Order {
        switch self {
        case .jobs(var query, let asLines):
            try Self.check(query.limit)
            try Self.check(query)
            query.after = query.after.map(Job.canonical)
            query.names = query.names.map(Job.canonical)
            return .jobs(query, asLines: asLines)
        case .audits(var query):
            try Self.check(query.limit)
            query.subject = query.subject.map(Job.canonical)
            return .audits(query)
        case .agenda(var query):
            try Self.check(query.limit)
            try Self.check(query.names + query.tags)
            query.names = query.names.map(Job.canonical)
            return .agenda(query)
        case .forecast(let query):
            guard (0...ForecastQuery.mostParts).contains(query.parts) else {
                throw OrderError(.bad, "parts: expected 0 to \(ForecastQuery.mostParts), found \(query.parts)")
            }
            if let from = query.from, from >= query.until {
                throw OrderError(.bad, "the end is not after the beginning")
            }
            return self
        case .recent(let names, let limit):
            try Self.check(names)
            guard (1...QueryService.mostRecent).contains(limit) else {
                throw OrderError(.bad, "limit: expected 1 to \(QueryService.mostRecent), found \(limit)")
            }
            return .recent(names.map(Job.canonical), limit: limit)
        case .hours(let from, let until):
            guard from <= until else { throw OrderError(.bad, "the end is before the beginning") }
            guard until.microseconds - from.microseconds <= QueryService.longestHours else {
                throw OrderError(.bad, "hours of a year at most may be asked for at once")
            }
            return self
        case .missed(var query):
            query.job = Job.canonical(query.job)
            guard query.from <= query.until else { throw OrderError(.bad, "the end is before the beginning") }
            return .missed(query)
        case .backfill(let job, let times, let rate):
            guard (1...QueryService.mostBackfilled).contains(times.count) else {
                throw OrderError(.bad, "a backfill has 1 to \(QueryService.mostBackfilled) times")
            }
            guard rate.map({ $0 > 0 && $0.isFinite }) ?? true else {
                throw OrderError(.bad, "rate: expected more than 0 a second")
            }
            return .backfill(job: Job.canonical(job), times.sorted { $0.at < $1.at }, rate: rate)
        case .output(_, let offset):
            guard offset >= 0 else { throw OrderError(.bad, "from: expected 0 or more") }
            return self
        case .pause(_, let length, let tags):
            guard length.map({ $0 > 0 }) ?? true else { throw OrderError(.bad, "a pause takes more than no time") }
            try Self.check(tags)
            return self
        case .definition(let name): return .definition(Job.canonical(name))
        case .runs(var query):
            try Self.check(query.limit)
            query.job = query.job.map(Job.canonical)
            return .runs(query)
        case .put(let job, _, _):
            if let fault = job.fault { throw OrderError(.bad, fault) }
            return self
        case .job(let name): return .job(Job.canonical(name))
        case .why(let job, let time): return .why(job: Job.canonical(job), time: time)
        case .delete(let name): return .delete(Job.canonical(name))
        case .enable(let name, let isOn): return .enable(Job.canonical(name), isOn)
        case .stop(let name): return .stop(Job.canonical(name))
        case .restart(let name): return .restart(Job.canonical(name))
        case .resolve(let name): return .resolve(Job.canonical(name))
        case .skip(let name, let time, let isOn): return .skip(Job.canonical(name), at: time, isOn)
        case .start(let name, let arguments, let key):
            let size = arguments.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
            guard size <= Self.mostArguments else {
                throw OrderError(.bad, "arguments of \(size) bytes; a run is given at most \(Self.mostArguments)")
            }
            if let key, !(1...Self.longestKey).contains(key.utf8.count) {
                throw OrderError(.bad, "a key has 1 to \(Self.longestKey) bytes")
            }
            return .start(Job.canonical(name), arguments: arguments, key: key)
        case .run, .retry, .feeds, .instances, .ping, .status, .queues, .cancel, .resume, .acceptFeed, .drain,
            .forgetInstance,
            .tokens, .addToken, .revokeToken, .reload, .operations, .cancelOperation, .undo:
            return self
        case .operate(let request): return .operate(try request.checked())
        }
    }

    /// Looks at what chooses jobs.
    static func check(_ query: JobQuery) throws(OrderError) {
        try check(query.names + query.tags)
        if let zone = query.zone,
            !zone.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "/_+-".contains($0)) })
        {
            throw OrderError(.bad, "zone: expected an IANA name such as Europe/Berlin, found '\(zone)'")
        }
    }

    static func check(_ words: [String]) throws(OrderError) {
        guard words.count <= mostWords else {
            throw OrderError(.bad, "at most \(mostWords) names and tags may be asked for at once")
        }
    }

    private static func check(_ limit: Int) throws(OrderError) {
        guard (1...most).contains(limit) else { throw OrderError(.bad, "limit: expected 1 to \(most), found \(limit)") }
    }
}

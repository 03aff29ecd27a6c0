public import CarillonCore
public import FrappeFeed
public import FrappeSite
public import Logging
public import RQDispatcher
import Synchronization
import Timetable

/// Fetches at the moment of a run what a worker is to call, and enqueues it like any other RQ job.
///
/// It has a dispatcher of RQ to itself, so that a slow site delays nobody else's jobs.
public final class FrappeDispatcher: ListenedDispatcher {
    public var capacity: Int? { nil }
    public var events: AsyncStream<[DispatchEvent]> { rq.events }

    private let rq: RQDispatcher
    private let site: FrappeSite
    private let logger: Logger
    private let clock: any EngineClock
    private let remarks: @Sendable () async -> [String]
    private let trouble = Mutex<String?>(nil)
    /// A run for which the site fails although it answers: the uptime of its first and last time.
    private struct Failing {
        var since: Int64
        var last: Int64
    }
    private let failing = Mutex<[AttemptID: Failing]>([:])

    /// Requests at the site at once: a burst must not knock it over.
    public static let mostRequests = 8
    /// Runs whose pickles go to Redis together.
    private static let batch = 64
    /// Microseconds that a run waits for a site that answers others, and fails for this one.
    public static let patience: Int64 = 600_000_000
    /// Microseconds for a request that has failed before.
    private static let briefly: Int64 = 3_000_000

    /// Takes `remarks`, what else of the site deserves a look in `status`.
    public init(
        site: FrappeSite, rq: RQDispatcher, clock: any EngineClock, logger: Logger,
        remarks: @escaping @Sendable () async -> [String] = { [] }
    ) {
        self.site = site
        self.rq = rq
        self.clock = clock
        self.logger = logger
        self.remarks = remarks
    }

    public func dispatch(_ batch: [Dispatch<FrappeTarget>]) async -> [DispatchResult] {
        var results: [DispatchResult] = []
        results.reserveCapacity(batch.count)
        var rest = batch[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.batch)
            rest = rest.dropFirst(part.count)
            let fetched = await fetch(part)
            let enqueued = await enqueue(fetched)
            results += enqueued
            // One answer speaks for the others: the site is not asked while it, or Redis, is away.
            if let why = enqueued.lazy.compactMap({ if case .away(let why) = $0 { why } else { nil } }).first {
                results += rest.map { _ in .away(why) }
                break
            }
        }
        return results
    }

    // MARK: Fetching

    private enum Fetched: Sendable {
        case call(RQCall)
        case refused(String)
        case failing(String)
        case away(String)
    }

    /// Fetches the calls, one answer for each run, in order.
    private func fetch(_ batch: ArraySlice<Dispatch<FrappeTarget>>) async -> [Fetched] {
        let site = site
        let fetched = await withTaskGroup(of: (Int, Fetched).self) { group in
            var fetched: [Int: Fetched] = [:]
            var rest = batch.indices.makeIterator()
            var away: String?
            func start() {
                guard away == nil, let index = rest.next() else { return }
                let dispatch = batch[index]
                let isKnown = failing.withLock { $0[dispatch.attempt] != nil }
                // One that was slow before must not keep the others waiting again.
                group.addTask { (index, await Self.fetch(dispatch, from: site, within: isKnown ? Self.briefly : nil)) }
            }
            for _ in 0..<Self.mostRequests { start() }
            for await (index, answer) in group {
                if case .away(let why) = answer { away = why }
                fetched[index] = answer
                start()
            }
            return batch.indices.map { fetched[$0] ?? .away(away ?? "not asked") }
        }
        if !Task.isCancelled { note(fetched) }
        return zip(batch, fetched).map { bound($0.attempt, $1) }
    }

    private static func fetch(
        _ dispatch: Dispatch<FrappeTarget>, from site: FrappeSite, within limit: Int64?
    ) async -> Fetched {
        let target = dispatch.target
        do throws(FrappeSiteError) {
            let data = try await site.pickle(
                task: target.task, schedule: target.schedule, within: limit)
            return .call(
                RQCall(
                    attempt: dispatch.attempt, queue: target.queue, data: data, description: target.describedAs,
                    timeout: target.timeout))
        } catch {
            switch error.code {
            case .refused: return .refused(error.message)
            case .failing: return .failing(error.message)
            case .cancelled: return .away("the daemon stopped")
            default: return .away(error.message)
            }
        }
    }

    /// Says why the site cannot be asked, when it could not.
    private static func away(_ fetched: [Fetched]) -> String? {
        fetched.lazy.compactMap { if case .away(let why) = $0 { why } else { nil } }.first
    }

    /// Says once when the site goes away and when it is back.
    private func note(_ fetched: [Fetched]) {
        let why = Self.away(fetched)
        let before = trouble.withLock { trouble in
            defer { trouble = why }
            return trouble
        }
        if let why, before == nil { logger.error("\(why)", metadata: ["site": "\(site.address)"]) }
        if why == nil, before != nil {
            logger.notice("the site answers again", metadata: ["site": "\(site.address)"])
        }
    }

    /// Lets a run that the site fails for alone wait, but not for ever.
    private func bound(_ attempt: AttemptID, _ fetched: Fetched) -> Fetched {
        let now = clock.uptime
        return failing.withLock { failing in
            let why: String
            switch fetched {
            case .failing(let words): why = words
            // It was asked for in vain, or not at all.
            case .away: return fetched
            case .call, .refused:
                failing[attempt] = nil
                return fetched
            }
            // One that was cancelled meanwhile never comes again.
            if failing.count > 1_000 { failing = failing.filter { now - $0.value.last < Self.patience } }
            let since = failing[attempt]?.since ?? now
            guard now - since >= Self.patience else {
                failing[attempt] = Failing(since: since, last: now)
                return fetched
            }
            failing[attempt] = nil
            return .refused("\(why), for \(Span.format(Self.patience)) and more")
        }
    }

    /// Counts the runs that wait alone. One that was cancelled meanwhile never comes again.
    private func countFailing() -> Int {
        let now = clock.uptime
        return failing.withLock { failing in
            failing = failing.filter { now - $0.value.last < Self.patience }
            return failing.count
        }
    }

    private func enqueue(_ fetched: [Fetched]) async -> [DispatchResult] {
        let calls = fetched.compactMap { if case .call(let call) = $0 { call } else { nil } }
        var enqueued = (calls.isEmpty ? [] : await rq.enqueue(calls)).makeIterator()
        return fetched.map { fetched in
            switch fetched {
            case .call: enqueued.next() ?? .away("no answer")
            case .refused(let why): .refused(why)
            case .failing(let why): .unavailable(why)
            case .away(let why): .away(why)
            }
        }
    }

    // MARK: All else is RQ's

    public func run() async { await rq.run() }

    public func adopt(_ outstanding: [Run]) async -> [AttemptID] { await rq.adopt(outstanding) }

    public func cancel(_ attempt: AttemptID, grace: Int64) async { await rq.cancel(attempt, grace: grace) }

    public func acknowledge(_ attempts: [AttemptID]) async { await rq.acknowledge(attempts) }

    public func abandon(_ attempts: [AttemptID]) async { await rq.abandon(attempts) }

    public func forget(_ runs: [GoneRun]) async { await rq.forget(runs) }

    public func shutdown() async {
        await rq.shutdown()
        await site.close()
    }

    public func queues(limit: Int) async -> [QueueDepth] { await rq.queues(limit: limit) }

    public func health() async -> DispatcherHealth {
        var health = await rq.health()
        if let why = trouble.withLock({ $0 }) { health.trouble = why }
        let count = countFailing()
        if count > 0 {
            health.warnings.append("the site answers, and fails for \(count) \(count == 1 ? "run" : "runs")")
        }
        health.warnings += await remarks()
        return health
    }

    public func expect(_ jobs: [(job: String, target: FrappeTarget)]) async {
        await rq.expect(queues: jobs.map(\.target.queue))
    }

    public func doubts(of jobs: [(job: String, target: FrappeTarget)]) async -> [String?] {
        await rq.doubts(ofQueues: jobs.map(\.target.queue))
    }

    /// Says what stands against a run of this target, asking Redis when nobody has yet.
    public func doubt(of target: Target) async -> String? {
        guard let target = try? target.open(as: FrappeTarget.self) else { return nil }
        return await rq.doubt(ofQueue: target.queue)
    }
}

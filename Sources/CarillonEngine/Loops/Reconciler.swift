import CarillonCore
import Logging
import Timetable

/// Keeps the store's jobs as their feeds say: adds, updates, removes, and never touches another origin's.
public actor Reconciler<Clock: EngineClock> {
    /// A feed that guards against loss keeps its jobs when less than half of at least this many are left.
    static var guardedSize: Int { 20 }
    static var batch: Int { 1_000 }

    private let engine: Engine<Clock>
    private let feeds: [String: any JobFeed]
    private var statuses: [String: FeedView] = [:]
    private var accepted: Set<String> = []

    /// Microseconds between two looks for orders that a feed is to keep.
    private static var settling: Int64 { 1_000_000 }

    init(engine: Engine<Clock>, feeds: [any JobFeed]) {
        self.engine = engine
        self.feeds = Dictionary(uniqueKeysWithValues: feeds.map { ($0.name, $0) })
    }

    /// Every feed has been read once, well or not.
    public var isReady: Bool { statuses.count == feeds.count }

    public var feedViews: [FeedView] { statuses.values.sorted { $0.name < $1.name } }

    /// Reads the feed now, whenever it changes, and again after a while when something stood in the way.
    func follow(_ feed: any JobFeed) async {
        await reconcile(feed)
        await withTaskGroup { group in
            group.addTask {
                for await change in feed.changes() { await self.reconcile(feed, change) }
                if !Task.isCancelled {
                    self.engine.logger.warning(
                        "changes of a feed are not told; it is read every few seconds",
                        metadata: ["feed": "\(feed.name)"])
                    await self.readAgain(feed) { _ in true }
                }
            }
            group.addTask { await self.readAgain(feed) { $0.error != nil || $0.waits } }
            group.addTask { await feed.run() }
            if feed.keepsOrders { group.addTask { await self.settle(feed) } }
        }
    }

    /// Reads the feed every few seconds while its state asks for it.
    private func readAgain(_ feed: any JobFeed, when isOwed: @Sendable (FeedView) -> Bool) async {
        while !Task.isCancelled {
            do { try await engine.clock.sleep(for: Self.patience) } catch { return }
            if let status = statuses[feed.name], isOwed(status) { await reconcile(feed) }
        }
    }

    /// Microseconds before a feed is read again that could not be taken up whole.
    private static var patience: Int64 { 5_000_000 }

    /// Takes a feed's present state as right although much of it is gone.
    public func accept(_ name: String) async throws {
        guard let feed = feeds[name] else {
            throw OrderError(
                .unknown, "there is no feed '\(name)'; the feeds are \(feeds.keys.sorted().joined(separator: ", "))")
        }
        accepted.insert(name)
        await reconcile(feed)
    }

    /// Reads one feed, or what changed of it, and brings the store in line.
    func reconcile(_ feed: any JobFeed, _ change: FeedChange = .everything) async {
        await enter(feed.name)
        defer { leave(feed.name) }
        var status =
            statuses[feed.name]
            ?? FeedView(name: feed.name, jobs: 0, readAt: nil, problems: [], error: nil, waits: false)
        do {
            let snapshot = try await feed.snapshot(of: change)
            switch snapshot.scope {
            case .everything:
                status.problems = snapshot.problems
                status.error = nil
                status.waits = false
            case .jobs(let names):
                status.problems.removeAll { $0.job.map(names.contains) ?? false }
                status.problems += snapshot.problems
            }
            try await bring(snapshot, of: feed, &status)
            status.readAt = engine.clock.now
        } catch {
            status.error = "\(error)"
        }
        if change == .everything { accepted.remove(feed.name) }
        tell(status, before: statuses[feed.name])
        statuses[feed.name] = status
        // Kept for those who look while no daemon runs.
        do {
            try await engine.store.setNote("feeds", feeds.keys.sorted().joined(separator: ","))
            try await engine.store.setNote("feed.\(feed.name)", try JSONText.encode(status))
        } catch {
            engine.logger.debug("a feed's state was not noted", metadata: ["error": "\(error)"])
        }
    }

    // MARK: One reading of a feed at a time: an older one must not be brought after a newer one.

    private var reading: Set<String> = []
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

    private func enter(_ feed: String) async {
        while reading.contains(feed) { await withCheckedContinuation { waiting[feed, default: []].append($0) } }
        reading.insert(feed)
    }

    private func leave(_ feed: String) {
        reading.remove(feed)
        for waiter in waiting.removeValue(forKey: feed) ?? [] { waiter.resume() }
    }

    private func bring(_ snapshot: FeedSnapshot, of feed: any JobFeed, _ status: inout FeedView) async throws {
        let all = try await engine.store.jobs(ofFeed: feed.name)
        let known =
            switch snapshot.scope {
            case .everything: all
            case .jobs(let names): all.filter { names.contains($0.name) }
            }
        let byName = Dictionary(uniqueKeysWithValues: known.map { ($0.name, $0) })
        var seen: Set<String> = []
        var changed: [(job: Job, id: JobID?)] = []
        for var job in snapshot.jobs {
            job.origin.feed = feed.name
            guard seen.insert(job.name).inserted else {
                status.problems.append(
                    FeedProblem(source: job.origin.source, job: job.name, message: "two jobs have this name"))
                continue
            }
            let known = byName[job.name]
            if let standing = known?.standing, case .deleted(let definition) = standing.off,
                feed.keepsOrders ? standing.isOwed : digest(of: job) == definition
            {
                continue
            }
            if known?.digest != digest(of: job.under(known?.standing)) { changed.append((job, known?.id)) }
        }
        let brokenJobs = Set(snapshot.problems.compactMap(\.job))
        let brokenSources = Set(snapshot.problems.filter { $0.job == nil }.map(\.source))
        let kept = known.filter { brokenJobs.contains($0.name) || brokenSources.contains($0.source) }
        let gone = known.filter {
            !seen.contains($0.name) && !brokenJobs.contains($0.name) && !brokenSources.contains($0.source)
        }
        if feed.keepsOrders { try await halt(known.filter { brokenJobs.contains($0.name) }, snapshot.problems) }
        await engine.expect(snapshot.jobs.map(\.target))
        status.jobs = all.count - known.count + seen.union(kept.map(\.name)).count
        if feed.guardsAgainstLoss, snapshot.scope == .everything, known.count >= Self.guardedSize,
            gone.count * 2 > known.count,
            !accepted.contains(feed.name)
        {
            throw OrderError(
                .refused,
                "\(gone.count) of \(known.count) jobs are suddenly gone; they are kept until `carillon feeds accept \(feed.name)`"
            )
        }
        for start in stride(from: 0, to: changed.count, by: Self.batch) {
            let part = Array(changed[start..<min(start + Self.batch, changed.count)])
            let clashes = try await engine.put(part)
            status.problems += clashes
            status.waits = status.waits || !clashes.isEmpty
        }
        for start in stride(from: 0, to: gone.count, by: Self.batch) {
            try await engine.remove(gone[start..<min(start + Self.batch, gone.count)].map(\.id))
        }
        if !changed.isEmpty || !gone.isEmpty {
            engine.logger.info(
                "jobs taken up",
                metadata: ["feed": "\(feed.name)", "changed": "\(changed.count)", "removed": "\(gone.count)"])
        }
    }

    // MARK: Orders

    /// Tells a feed that keeps orders itself what they laid on its jobs.
    private func settle(_ feed: any JobFeed) async {
        while !Task.isCancelled {
            let owed = ((try? await engine.store.jobs(ofFeed: feed.name)) ?? []).filter { $0.standing?.isOwed == true }
            for job in owed where !ending.contains(job.id) {
                do {
                    try await settle(job.id, with: feed)
                } catch {
                    engine.logger.debug("an order waits for its feed", metadata: ["error": "\(error)"])
                }
            }
            do { try await engine.clock.sleep(for: Self.settling) } catch { return }
        }
    }

    /// What stands on one job goes to its feed, and what the feed makes of it comes back. Throws `FeedRefusal` when that is
    /// nothing, and then what stood before stands again.
    private func settle(_ id: JobID, with feed: any JobFeed) async throws {
        guard let (name, refusal) = try await hand(id, to: feed) else { return }
        await reconcile(feed, .jobs([name]))
        if let refusal { throw refusal }
    }

    /// Nil when nothing is owed any more: the store says what stands, and nobody reads the feed meanwhile.
    private func hand(_ id: JobID, to feed: any JobFeed) async throws -> (name: String, refusal: FeedRefusal?)? {
        await enter(feed.name)
        defer { leave(feed.name) }
        guard let job = try await engine.store.jobs(ids: [id]).first?.job, let owed = job.standing, owed.isOwed else {
            return nil
        }
        var refusal: FeedRefusal?
        do {
            try await feed.keep(owed.off, of: job.name)
        } catch let error as FeedRefusal {
            refusal = error
        }
        // Unless there was another order meanwhile.
        try await engine.lay([id]) { standing, _ in if standing.off == owed.off { standing.isOwed = false } }
        return (job.name, refusal)
    }

    /// Jobs whose last runs are to end before their feed is told.
    private var ending: Set<JobID> = []

    /// Switches a job off or on by an order: at once, then does what must come `between`, and then has its feed do so if
    /// that keeps orders. Answers what stands in the way of that.
    func lay(
        _ off: Standing.Off?, on stored: StoredJob, between: @Sendable () async throws -> Void = {}
    ) async throws -> String? {
        let feed = feeds[stored.job.origin.feed].flatMap { $0.keepsOrders ? $0 : nil }
        ending.insert(stored.id)
        defer { ending.remove(stored.id) }
        try await engine.lay([stored.id]) { standing, _ in
            standing.off = off
            standing.isOwed = feed != nil
        }
        try await between()
        guard let feed else { return nil }
        do {
            try await settle(stored.id, with: feed)
            return nil
        } catch let refusal as FeedRefusal {
            throw OrderError(.refused, refusal.description)
        } catch {
            return "\(error)"
        }
    }

    /// Whether the interval of a job counts anew when it is stopped.
    func restartsInterval(of job: Job) -> Bool { feeds[job.origin.feed]?.restartsIntervals ?? false }

    /// A row that makes no job any more is none that runs, where the rows themselves say what does.
    private func halt(_ jobs: [StoredJobDigest], _ problems: [FeedProblem]) async throws {
        for job in jobs where job.standing?.off == nil {
            let why = problems.first { $0.job == job.name }?.message ?? ""
            try await engine.lay([job.id]) { standing, _ in standing.off = standing.off ?? .halted(why) }
        }
    }

    /// Digests of what was read before, under a hash that is cheaper than they are: most of a feed is as it was.
    private var digests: [Int: UInt64] = [:]
    private static var mostDigests: Int { 500_000 }

    private func digest(of job: Job) -> UInt64 {
        let key = job.hashValue
        if let known = digests[key] { return known }
        if digests.count >= Self.mostDigests { digests = [:] }
        let digest = job.digest()
        digests[key] = digest
        return digest
    }

    private func tell(_ status: FeedView, before: FeedView?) {
        let old = Set(before?.problems ?? [])
        for problem in status.problems where !old.contains(problem) {
            engine.logger.error("\(problem)", metadata: ["feed": "\(status.name)"])
        }
        if let error = status.error, error != before?.error {
            engine.logger.error("feed failed", metadata: ["feed": "\(status.name)", "error": "\(error)"])
        }
    }
}

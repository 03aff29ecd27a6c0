public import CarillonCore
import Logging
import Timetable

/// Keeps the store's jobs as their feeds say: adds, updates, removes, and never touches another origin's.
public actor Reconciler<Clock: EngineClock> {
    /// Where less than half of at least this many jobs are left, the loss may be no intention.
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
        self.feeds = Dictionary(feeds.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Every feed has been read once, well or not.
    public var isReady: Bool { statuses.count == feeds.count }

    public var feedViews: [FeedView] { statuses.values.sorted { $0.name < $1.name } }

    /// Reads the feed now, whenever it changes, and again after a while when something stood in the way.
    func follow(_ feed: any JobFeed) async {
        let (uptimes, alarm) = AsyncStream<Int64>.makeStream(bufferingPolicy: .bufferingNewest(1))
        alarms[feed.name] = alarm
        await withTaskGroup { group in
            if await engine.isRead(byOne: feed.name) { group.addTask { await self.readOnceHeld(feed) } }
            group.addTask { await self.removeLost(feed, at: uptimes) }
            await reconcile(feed)
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
            group.addTask { await self.healFaults(of: feed) }
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

    /// Reads the feed again while the store holds jobs of it that this build cannot read: their definitions heal them.
    private func healFaults(of feed: any JobFeed) async {
        while !Task.isCancelled {
            do { try await engine.clock.sleep(for: Self.patience) } catch { return }
            let faulty = await engine.faulty.values.filter { $0.job.origin.feed == feed.name }
            let sources = Set(faulty.map(\.job.origin.source))
            // Once each time another one is found: a feed that has none for it heals nothing.
            guard !sources.isSubset(of: asked[feed.name] ?? []) else { continue }
            asked[feed.name] = sources
            feed.readAgain(sources)
            await reconcile(feed)
        }
    }

    /// Sources that were read again for jobs that could not be read.
    private var asked: [String: Set<String>] = [:]

    /// Microseconds before a feed is read again that could not be taken up whole.
    private static var patience: Int64 { 5_000_000 }

    /// Takes a feed's present state as right although much of it is gone; whoever reads it is told.
    public func accept(_ name: String) async throws {
        guard let feed = feeds[name] else {
            throw OrderError(
                .unknown, "there is no feed '\(name)'; the feeds are \(feeds.keys.sorted().joined(separator: ", "))")
        }
        if let shard = await engine.shard(ofFeedElsewhere: name) {
            return try await engine.store.post([Mail(to: .shard(shard), .accept(feed: name))])
        }
        accepted.insert(name)
        await reconcile(feed)
    }

    // MARK: One reader

    /// Takes in what other instances tell of feeds that are read here.
    func hear() async {
        for await word in engine.feedWords {
            switch word {
            case .read(let name, let jobs): if let feed = feeds[name] { await reconcile(feed, .jobs(Set(jobs))) }
            case .accept(let name): try? await accept(name)
            default: break
            }
        }
    }

    /// Withdraws what the files of a machine have said that does not come back; answers how many jobs go with it.
    func forget(machine: String) async throws -> Int {
        var count = 0
        for feed in feeds.values where feed.isOfMachine {
            let said = Set(try await engine.store.declarations(by: machine).filter(\.isCurrent).map(\.job))
            let its = try await engine.store.jobs(ofFeed: feed.name).filter { said.contains($0.name) }
            let left = try await OwnFiles.withdraw(its, in: engine.store, machine: machine)
            try await engine.remove(left.map(\.id))
            count += left.count
        }
        return count
    }

    /// Reads a feed as soon as it is this instance's to read.
    private func readOnceHeld(_ feed: any JobFeed) async {
        var isElsewhere = true
        while !Task.isCancelled {
            let was = isElsewhere
            isElsewhere = await engine.shard(ofFeedElsewhere: feed.name) != nil
            if was != isElsewhere { await reconcile(feed) }
            do { try await engine.clock.sleep(for: Self.holding) } catch { return }
        }
    }

    /// Microseconds between two looks whose a feed is.
    private static var holding: Int64 { 250_000 }

    /// Passes word of a change on to whoever reads the feed, and shows what that one has noted.
    private func passOn(_ change: FeedChange, of feed: any JobFeed, to shard: Shard) async {
        var view: FeedView?
        do {
            if case .jobs(let names) = change {
                try await engine.store.post([Mail(to: .shard(shard), .read(feed: feed.name, names.sorted()))])
            }
            view = try await engine.store.note(Self.note(of: feed, engine)).flatMap {
                try? JSONText.decode(FeedView.self, $0)
            }
        } catch {
            engine.logger.debug("a feed's reader was not told", metadata: ["error": "\(error)"])
        }
        statuses[feed.name] = view ?? FeedView(name: feed.name)
    }

    /// Where a feed's state is noted: of those that each machine has, for each.
    private static func note(of feed: any JobFeed, _ engine: Engine<Clock>) -> String {
        "feed.\(feed.name)" + (feed.isOfMachine && engine.settings.shares ? ".\(engine.facts.id)" : "")
    }

    /// Reads one feed, or what changed of it, and brings the store in line.
    package func reconcile(_ feed: any JobFeed, _ change: FeedChange = .everything) async {
        await enter(feed.name)
        defer { leave(feed.name) }
        if let shard = await engine.shard(ofFeedElsewhere: feed.name) {
            return await passOn(change, of: feed, to: shard)
        }
        var status = statuses[feed.name] ?? FeedView(name: feed.name)
        if engine.settings.shares { status.instance = engine.instance }
        do {
            try await bringInTheEnd(change, of: feed, &status)
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
            try await engine.store.setNote(Self.note(of: feed, engine), try JSONText.encode(status))
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

    // MARK: What a reading brings

    /// Brings a reading, and another one where somebody else has changed the same jobs meanwhile.
    private func bringInTheEnd(_ change: FeedChange, of feed: any JobFeed, _ status: inout FeedView) async throws {
        var left = 4
        while true {
            do {
                return try await bring(change, of: feed, &status)
            } catch let error as StoreError where error.code == .busy && left > 0 {
                left -= 1
            }
        }
    }

    private func bring(_ change: FeedChange, of feed: any JobFeed, _ status: inout FeedView) async throws {
        // Before the feed is: what somebody else makes of its jobs meanwhile is not undone.
        let stored = try await engine.store.jobs(ofFeed: feed.name)
        var own: OwnFiles?
        if feed.isOfMachine, engine.settings.shares {
            own = try await OwnFiles.read(engine.store, machine: engine.facts.id, of: stored)
        }
        let all = own?.known ?? stored
        var revisions: [JobID: Int64]?
        if engine.settings.shares { revisions = Dictionary(stored.map { ($0.id, $0.revision) }) { first, _ in first } }
        var reading: FeedReading?
        var total = 0
        // Jobs whose names belong to another feed.
        var taken = 0
        var written = 0
        var warnings: Set<ConfigProblem> = []
        // Of a feed that guards against loss nothing is taken up before all of it was seen.
        var owed: [(job: Job, id: JobID?)] = []
        // What this machine's files say from now on.
        var declarations: [Declaration] = []
        for try await part in feed.parts(of: change) {
            var now: FeedReading
            if let reading {
                now = reading
            } else {
                total = all.count
                now = FeedReading(
                    part.scope, known: part.scope == .everything ? all : all.filter { part.scope.concerns($0.name) })
            }
            reading = nil
            let faulty = await Set(engine.faulty.keys)
            let changed: [(job: Job, id: JobID?)]
            if own == nil {
                changed = changes(part, of: feed, unless: faulty, &now)
            } else {
                (changed, declarations) = try await ownChanges(part, of: feed, unless: faulty, &own, &now, &warnings)
                try await engine.store.declare(OwnFiles.claims(changed.map(\.job), machine: engine.facts.id))
            }
            // Of those who share whoever has a job expects it.
            if !engine.settings.shares { await engine.expect(part.jobs) }
            warnings.formUnion(part.warnings)
            if feed.guardsAgainstLoss {
                owed += changed
            } else {
                written += changed.count
                for clash in try await put(changed, reading: revisions) {
                    now.clash(clash)
                    taken += 1
                }
            }
            reading = now
        }
        guard var reading else { return }
        let (kept, gone) = reading.missing()
        let broken = Set(reading.problems.compactMap(\.job))
        if feed.keepsOrders { try await halt(reading.known.filter { broken.contains($0.name) }, reading.problems) }
        begin(reading, &status)
        status.jobs = total - reading.known.count + reading.count + kept.count
        if feed.guardsAgainstLoss, reading.scope == .everything, reading.known.count >= Self.guardedSize,
            gone.count * 2 > reading.known.count, !accepted.contains(feed.name)
        {
            throw OrderError(
                .refused,
                "\(gone.count) of \(reading.known.count) jobs are suddenly gone; they are kept until `carillon feeds accept \(feed.name)`"
            )
        }
        written += owed.count
        for clash in try await put(owed, reading: revisions) {
            reading.clash(clash)
            taken += 1
        }
        status.problems += reading.clashes
        status.jobs -= taken
        status.waits = status.waits || taken > 0
        let leaving = try await letGo(gone, of: feed, reading, revisions, &status)
        if own != nil {
            let refused = Set(reading.clashes.compactMap(\.job))
            try await engine.store.declare(declarations.filter { !refused.contains($0.job) })
        }
        feed.taken(without: Set(reading.clashes.map(\.source)))
        warn(warnings, of: feed)
        if written > 0 || leaving > 0 {
            engine.logger.info(
                "jobs taken up",
                metadata: ["feed": "\(feed.name)", "changed": "\(written)", "removed": "\(leaving)"])
        }
    }

    /// Replaces what the status says of earlier readings by this one.
    private func begin(_ reading: FeedReading, _ status: inout FeedView) {
        switch reading.scope {
        case .everything:
            status.problems = reading.problems
            status.error = nil
            status.waits = false
        case .jobs(let names):
            status.problems.removeAll { $0.job.map(names.contains) ?? false }
            status.problems += reading.problems
        }
    }

    /// Finds the jobs of a part that are not in the store as they are now, or there in a form that cannot be read.
    private func changes(
        _ part: FeedSnapshot, of feed: any JobFeed, unless faulty: Set<JobID>, _ reading: inout FeedReading
    ) -> [(job: Job, id: JobID?)] {
        var changed: [(job: Job, id: JobID?)] = []
        reading.take(part) { job, known in
            var job = job
            job.origin.feed = feed.name
            if let standing = known?.standing, case .deleted(let definition) = standing.off,
                feed.keepsOrders ? standing.isOwed : digest(of: job) == definition
            {
                return
            }
            guard let known else { return changed.append((job, nil)) }
            if faulty.contains(known.id) || known.source != job.origin.source
                || known.digest != digest(of: job.under(known.standing))
            {
                changed.append((job, known.id))
            }
        }
        return changed
    }

    /// The same of files that each machine has, with all that they say so far.
    private func ownChanges(
        _ part: FeedSnapshot, of feed: any JobFeed, unless faulty: Set<JobID>, _ own: inout OwnFiles?,
        _ reading: inout FeedReading, _ warnings: inout Set<ConfigProblem>
    ) async throws -> ([(job: Job, id: JobID?)], [Declaration]) {
        let before = own?.changed.count ?? 0
        reading.take(part) { job, known in
            var job = job
            job.origin.feed = feed.name
            own?.take(job, digest(of: job), isFaulty: known.map { faulty.contains($0.id) } ?? false) { stored in
                if case .deleted(let definition)? = stored.standing?.off { return definition == digest(of: job) }
                return stored.digest == digest(of: job.under(stored.standing))
            }
        }
        warnings.formUnion(try await own?.settle(in: engine.store) ?? [])
        return (Array(own?.changed.dropFirst(before) ?? []), own?.declarations ?? [])
    }

    /// Answers names that belong to another feed.
    private func put(
        _ jobs: [(job: Job, id: JobID?)], reading revisions: [JobID: Int64]?
    ) async throws -> [ConfigProblem] {
        var clashes: [ConfigProblem] = []
        for start in stride(from: 0, to: jobs.count, by: Self.batch) {
            clashes += try await engine.put(
                Array(jobs[start..<min(start + Self.batch, jobs.count)]), reading: revisions)
        }
        return clashes
    }

    /// Removes what is gone, but for what may return in a moment; answers how many went.
    private func letGo(
        _ gone: [StoredJobDigest], of feed: any JobFeed, _ reading: FeedReading, _ revisions: [JobID: Int64]?,
        _ status: inout FeedView
    ) async throws -> Int {
        var gone = gone
        if feed.lossWait > 0, reading.scope == .everything {
            let lost = reading.losses(among: gone, from: Self.guardedSize)
            let wait = accepted.contains(feed.name) ? 0 : feed.lossWait
            let waiting = losses[feed.name, default: Losses()]
                .waiting(lost.keys, at: engine.clock.uptime, for: wait)
            for (source, loss) in lost.sorted(by: { $0.key < $1.key }) {
                let words = "has lost \(loss.gone) of its \(loss.of) jobs"
                if waiting.contains(source) {
                    status.problems.append(
                        ConfigProblem(
                            source: source,
                            message: "\(words); they are removed in \(Span.format(wait)) unless they return"))
                } else {
                    engine.logger.warning(
                        "\(source) \(words); they are removed", metadata: ["feed": "\(feed.name)"])
                }
            }
            gone.removeAll { waiting.contains($0.source) }
            status.jobs += waiting.reduce(0) { $0 + (lost[$1]?.gone ?? 0) }
            if let next = losses[feed.name]?.next { alarms[feed.name]?.yield(next) }
        }
        var left = gone
        if feed.isOfMachine, engine.settings.shares {
            left = try await OwnFiles.withdraw(gone, in: engine.store, machine: engine.facts.id)
        }
        for start in stride(from: 0, to: left.count, by: Self.batch) {
            try await engine.remove(left[start..<min(start + Self.batch, left.count)].map(\.id), reading: revisions)
        }
        return left.count
    }

    private var losses: [String: Losses] = [:]
    /// Told when a feed is to be read again because what it lost has had its time.
    private var alarms: [String: AsyncStream<Int64>.Continuation] = [:]

    /// Reads the feed again when the moment is over in which its jobs may return.
    private func removeLost(_ feed: any JobFeed, at uptimes: AsyncStream<Int64>) async {
        for await uptime in uptimes {
            do { try await engine.clock.sleep(for: uptime - engine.clock.uptime) } catch { return }
            await reconcile(feed)
        }
    }

    private var warned: [String: Set<ConfigProblem>] = [:]

    /// Logs each warning once, as long as it holds.
    private func warn(_ warnings: Set<ConfigProblem>, of feed: any JobFeed) {
        for warning in warnings.subtracting(warned[feed.name] ?? []).sorted(by: { $0.description < $1.description }) {
            engine.logger.warning("\(warning)", metadata: ["feed": "\(feed.name)"])
        }
        warned[feed.name] = warnings
    }

    // MARK: Orders

    /// Tells a feed that keeps orders itself what they laid on its jobs.
    private func settle(_ feed: any JobFeed) async {
        while !Task.isCancelled {
            let isElsewhere = await engine.shard(ofFeedElsewhere: feed.name) != nil
            let jobs = isElsewhere ? [] : (try? await engine.store.jobs(ofFeed: feed.name)) ?? []
            let owed = jobs.filter { $0.standing?.isOwed == true }
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

    /// Hands what stands on one job to its feed, and takes what the feed makes of it. Throws `FeedRefusal` when that is
    /// nothing, and then what stood before stands again.
    private func settle(_ id: JobID, with feed: any JobFeed) async throws {
        guard let (name, refusal) = try await hand(id, to: feed) else { return }
        await reconcile(feed, .jobs([name]))
        if let refusal { throw refusal }
    }

    /// Hands over what is owed: the store says what stands, and nobody reads the feed meanwhile. Nil when nothing is.
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
        _ off: Standing.Off?, mark: Standing.Mark? = nil, on stored: StoredJob,
        between: @Sendable () async throws -> Void = {}
    ) async throws -> String? {
        let feed = feeds[stored.job.origin.feed].flatMap { $0.keepsOrders ? $0 : nil }
        ending.insert(stored.id)
        defer { ending.remove(stored.id) }
        try await engine.lay([stored.id]) { standing, _ in
            standing.off = off
            standing.mark = mark
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

    /// Whether the feed of a job keeps orders itself, and is read here.
    func keepsOrders(_ job: Job) -> Bool { feeds[job.origin.feed]?.keepsOrders ?? false }

    /// Whether the interval of a job counts anew when it is stopped.
    func restartsInterval(of job: Job) -> Bool { feeds[job.origin.feed]?.restartsIntervals ?? false }

    /// Halts jobs whose rows make no job any more: none of them runs, where the rows themselves say what does.
    private func halt(_ jobs: [StoredJobDigest], _ problems: [ConfigProblem]) async throws {
        for job in jobs where job.standing?.off == nil {
            let why = problems.first { $0.job == job.name }?.message ?? ""
            try await engine.lay([job.id]) { standing, _ in
                if standing.off == nil {
                    standing.off = .halted(why)
                    standing.mark = nil
                }
            }
        }
    }

    private var texts = JobTexts()

    private func digest(of job: Job) -> UInt64 { (try? texts.parts(of: job).digest) ?? 0 }

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

import CarillonCore
import Logging
import Timetable

/// Carries operations out, bit by bit, on whichever instance looks after the store: one that ends leaves the rest to the next.
struct OperationRunner<Clock: EngineClock>: Sendable {
    private let engine: Engine<Clock>
    private let reconciler: Reconciler<Clock>
    private let operations: OperationStore
    private var store: any JobStore { engine.store }
    private var clock: Clock { engine.clock }

    /// Operations that have ended and are kept, and for how many microseconds.
    private static var mostKept: Int { 50 }
    private static var longestKept: Int64 { 30 * 86_400_000_000 }
    /// Microseconds that one bit is to take: whoever gives an order meanwhile waits no longer.
    private static var goal: Int64 { 10_000 }

    /// Microseconds between two bits where only so many a second may: each is written down.
    private static var pace: Int64 { 50_000 }
    /// Microseconds; whoever orders something rings.
    private static var longestRest: Int64 { 3_600_000_000 }

    init(_ engine: Engine<Clock>, _ reconciler: Reconciler<Clock>) {
        self.engine = engine
        self.reconciler = reconciler
        operations = OperationStore(in: engine.store)
    }

    func run() async {
        var bite = Bite(size: 10, least: 1)
        while !Task.isCancelled {
            let rest: Int64
            do {
                rest = try await step(&bite)
            } catch is CancellationError {
                return
            } catch {
                _ = await engine.note(error)
                rest = engine.settings.slice
            }
            await engine.operationAlarm.sleep(for: rest, clock: clock)
        }
    }

    /// Goes one bit on with each; answers how many microseconds nothing is to be done, unless somebody orders another one.
    func step(_ bite: inout Bite) async throws -> Int64 {
        // The next instance may get the store's custody at any time.
        let idle = engine.settings.shares ? engine.settings.custody : Self.longestRest
        guard await engine.isCustodian else { return idle }
        let all = try await operations.all()
        var rest = idle
        for entry in all where entry.isUnfinished {
            do {
                rest = min(rest, try await step(entry, &bite))
            } catch {
                // What stands in the way of one is none of the others' business.
                try Task.checkCancellation()
                _ = await engine.note(error)
                rest = min(rest, engine.settings.slice)
            }
            guard await engine.isCustodian else { return idle }
        }
        try await forget(all)
        return rest
    }

    private func forget(_ all: [OperationStore.Entry]) async throws {
        let ended = all.filter { !$0.isUnfinished }
        let horizon = clock.now.adding(microseconds: -Self.longestKept)
        let old = ended.enumerated().filter { place, entry in
            place < ended.count - Self.mostKept || entry.progress?.endedAt.map { $0 < horizon } ?? false
        }
        if !old.isEmpty { try await operations.remove(old.map(\.element.operation.id)) }
    }

    private func step(_ entry: OperationStore.Entry, _ bite: inout Bite) async throws -> Int64 {
        let operation = entry.operation
        var progress = entry.progress ?? BulkOperation.Progress(startedAt: clock.now)
        if entry.cancelledBy != nil {
            try await end(operation, &progress, .cancelled)
            return 0
        }
        let allowance = progress.allowance(operation.perSecond, now: clock.now)
        if allowance == 0, let rate = operation.perSecond { return max(progress.wait(rate), Self.pace) }
        let (begun, before) = (clock.uptime, progress.done)
        let limit = min(bite.size, allowance)
        let isMore =
            switch operation.choice {
            case .jobs(let query): try await go(on: operation, query, limit, &progress)
            case .runs(let query): try await go(on: operation, query, limit, &progress)
            }
        let took = clock.uptime - begun
        bite.adapt(to: took, of: progress.done - before, goal: Self.goal)
        progress.credit -= Double(progress.done - before)
        guard isMore else {
            try await end(operation, &progress, .completed)
            return 0
        }
        try await note(progress, of: operation)
        // As long as it took, others have the store.
        return max(took, engine.settings.breath)
    }

    /// Notes how far it is. Throws `leaseLost` once another instance sees to it, which has gone through the same again, or will.
    private func note(_ progress: BulkOperation.Progress, of operation: BulkOperation) async throws {
        guard await engine.isCustodian else {
            throw StoreError(.leaseLost, "another instance looks after the store now")
        }
        try await operations.note(progress, of: operation)
    }

    private func end(
        _ operation: BulkOperation, _ progress: inout BulkOperation.Progress, _ end: BulkOperation.Progress.End
    ) async throws {
        (progress.end, progress.endedAt) = (end, clock.now)
        try await note(progress, of: operation)
        engine.logger.notice(
            "an operation is \(end.rawValue)",
            metadata: [
                "operation": "\(operation.id)", "action": "\(operation.action.rawValue)",
                "changed": "\(progress.changed)",
                "unchanged": "\(progress.unchanged)", "refused": "\(progress.refused)",
            ])
    }

    // MARK: Jobs

    /// Goes through the next jobs; answers whether there may be more.
    private func go(
        on operation: BulkOperation, _ query: JobQuery, _ limit: Int, _ progress: inout BulkOperation.Progress
    ) async throws -> Bool {
        var query = query
        (query.order, query.after, query.limit) = (.name, progress.name, limit)
        let jobs = try await store.jobs(query)
        guard let last = jobs.last else { return false }
        let checked = jobs.map(engine.lanes.checked)
        switch operation.action {
        case .run: try await run(checked, operation, &progress)
        case .stop: try await stop(checked, &progress)
        default:
            if let other = operation.undoes {
                try await undo(other, checked, operation, &progress)
            } else {
                try await lay(checked, operation, &progress)
            }
        }
        progress.done += jobs.count
        progress.name = last.job.name
        return jobs.count == limit
    }

    /// Enables, disables or resolves them, or lays back what stood before.
    private func lay(
        _ jobs: [StoredJob], _ operation: BulkOperation, _ progress: inout BulkOperation.Progress
    ) async throws {
        let verdict = { @Sendable (stored: StoredJob) in
            OperationVerdict(operation.action, operation.id, undoes: operation.undoes?.id, stored)
        }
        var many: [JobID] = []
        for stored in jobs {
            switch verdict(stored) {
            case .unchanged: progress.unchanged += 1
            case .changed: progress.changed += 1
            case .refused(let why): progress.refuse(stored.job.name, why)
            case .lay(let standing, let switches):
                if switches == nil, await !reconciler.keepsOrders(stored.job) {
                    many.append(stored.id)
                    continue
                }
                do {
                    // Its owner has a say, and each of these is asked by itself. What is switched is switched first: whoever comes
                    // here again finds either nothing done, or all.
                    if let switches { try await turn(stored, on: switches) }
                    _ = try await reconciler.lay(standing.off, mark: standing.mark, on: stored)
                    progress.changed += 1
                } catch let error as OrderError {
                    progress.refuse(stored.job.name, error.message)
                }
            }
        }
        let laid = try await engine.lay(many) { standing, stored in
            if case .lay(let next, switches: nil) = verdict(stored) { standing = next }
        }
        progress.changed += laid.count
        // What somebody else has changed meanwhile is as they want it.
        progress.unchanged += many.count - laid.count
    }

    /// Switches the definition of a job that an order added.
    private func turn(_ stored: StoredJob, on isOn: Bool) async throws {
        var job = stored.job
        if job.enabled == isOn { return }
        job.enabled = isOn
        if let problem = try await engine.put([(job, stored.id)], at: stored.revision).first {
            throw OrderError(.refused, problem.message)
        }
    }

    private static func cause(_ operation: String) -> Cause { .asked(under: "operation \(operation)") }

    private func run(
        _ jobs: [StoredJob], _ operation: BulkOperation, _ progress: inout BulkOperation.Progress
    ) async throws {
        let now = clock.now
        var (runs, sound): ([Run], [StoredJob]) = ([], [])
        for stored in jobs {
            if stored.isRemoved {
                progress.unchanged += 1
            } else if let fault = stored.fault {
                progress.refuse(stored.job.name, "it waits for a new definition: \(fault)")
            } else {
                sound.append(stored)
                runs.append(
                    Run(
                        id: RunID(manualAt: now, random: UInt64.random(in: 0...UInt64.max)), jobID: stored.id,
                        job: stored.job.name, revision: stored.revision, trigger: .manual, scheduledAt: now,
                        notBefore: now, createdAt: now, instance: engine.instance, cause: Self.cause(operation.id)))
            }
        }
        // One that is there already this operation has opened before.
        if !runs.isEmpty { _ = try await engine.open(runs, of: sound) }
        progress.changed += runs.count
    }

    private func stop(_ jobs: [StoredJob], _ progress: inout BulkOperation.Progress) async throws {
        for stored in jobs {
            if await reconciler.restartsInterval(of: stored.job) {
                let now = clock.now
                try await engine.lay([stored.id]) { standing, _ in standing.anchor = now }
            }
            let runs = try await engine.tellRunsToEnd(of: stored, reason: "stopped by an order")
            if runs.isEmpty { progress.unchanged += 1 } else { progress.changed += 1 }
        }
    }

    /// Takes back what an operation did to these jobs, and to no others.
    private func undo(
        _ other: BulkOperation.Undone, _ jobs: [StoredJob], _ operation: BulkOperation,
        _ progress: inout BulkOperation.Progress
    ) async throws {
        guard other.action == .run else {
            if other.action != .disable {
                for stored in jobs where stored.job.standing?.mark?.operation == other.id {
                    let since = RunQuery(job: stored.job.name, since: other.orderedAt, limit: 1_000)
                    progress.ranMeanwhile += try await store.runs(since).count
                }
            }
            return try await lay(jobs, operation, &progress)
        }
        for stored in jobs {
            guard let run = try await store.run(of: stored.id, cause: Self.cause(other.id)) else {
                progress.unchanged += 1
                continue
            }
            if run.state.isFinal {
                progress.unchanged += 1
                if run.startedAt != nil { progress.ranMeanwhile += 1 }
            } else {
                try await engine.cancel(run.id, of: stored.id, reason: "cancelled by an order")
                progress.changed += 1
            }
        }
    }

    // MARK: Runs

    /// Goes through the next runs, the newest first; answers whether there may be more.
    private func go(
        on operation: BulkOperation, _ query: RunQuery, _ limit: Int, _ progress: inout BulkOperation.Progress
    ) async throws -> Bool {
        var query = query
        (query.after, query.limit) = (progress.run, limit)
        let runs = try await store.runs(query)
        guard let last = runs.last else { return false }
        // What was opened since, perhaps by this operation, is none of those that were meant.
        let meant = runs.filter { $0.createdAt <= operation.orderedAt }
        progress.unchanged += runs.count - meant.count
        switch operation.action {
        case .cancel:
            for run in meant where !run.state.isFinal {
                try await engine.cancel(run.id, of: run.jobID, reason: "cancelled by an order")
            }
            let active = meant.count { !$0.state.isFinal }
            progress.changed += active
            progress.unchanged += meant.count - active
        default: try await retry(meant, operation.orderedAt, &progress)
        }
        progress.done += runs.count
        progress.run = RunPlace(last)
        return runs.count == limit
    }

    /// Opens another run for each time whose last run is one of these.
    private func retry(
        _ runs: [Run], _ orderedAt: Timestamp, _ progress: inout BulkOperation.Progress
    ) async throws {
        let now = clock.now
        let jobs = try await store.jobs(ids: Array(Set(runs.map(\.jobID)))).map(engine.lanes.checked)
        let known = Dictionary(jobs.map { ($0.id, $0) }) { first, _ in first }
        var (again, sound): ([Run], Set<JobID>) = ([], [])
        for run in runs {
            guard run.state.isFinal else {
                progress.unchanged += 1
                continue
            }
            guard let stored = known[run.jobID], !stored.isRemoved else {
                progress.refuse(run.id.description, "its job '\(run.job)' is gone")
                continue
            }
            if let fault = stored.fault {
                progress.refuse(run.id.description, "'\(run.job)' waits for a new definition: \(fault)")
                continue
            }
            sound.insert(stored.id)
            // As runs of a backfill: a time that has another run since is left alone, by whomever that was opened.
            again.append(
                Run(
                    id: RunID(manualAt: run.scheduledAt, random: UInt64.random(in: 0...UInt64.max)), jobID: stored.id,
                    job: run.job, revision: stored.revision, trigger: .backfill, scheduledAt: run.scheduledAt,
                    notBefore: now, createdAt: max(now, orderedAt.adding(microseconds: 1)), instance: engine.instance,
                    cause: .repeats(run.id), arguments: run.arguments))
        }
        let opened = again.isEmpty ? 0 : try await engine.open(again, of: jobs.filter { sound.contains($0.id) }).count
        progress.changed += opened
        progress.unchanged += again.count - opened
    }
}

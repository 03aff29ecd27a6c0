public import CarillonCore
import Foundation
import Timetable

extension Engine {
    /// Opens a run of a job now, outside its schedule: with a scheduled time of its own, or that of a run it repeats.
    func openManual(
        _ stored: StoredJob, repeating old: Run? = nil, cause: Cause? = nil, arguments: [String: String]? = nil
    ) async throws -> Run {
        let now = clock.now
        let time = old?.scheduledAt ?? now
        let run = Run(
            id: RunID(manualAt: time, random: UInt64.random(in: 0...UInt64.max)), jobID: stored.id,
            job: stored.job.name, revision: stored.revision, trigger: .manual, scheduledAt: time,
            notBefore: now, createdAt: now, instance: instance, cause: old.map { .repeats($0.id) } ?? cause,
            arguments: old?.arguments ?? arguments)
        return try await open([run], of: [stored]).first ?? run
    }

    /// Opens runs of these jobs that somebody asks for, but for those whose time has one already, or that were asked for before.
    func open(_ runs: [Run], of jobs: [StoredJob]) async throws -> [Run] {
        let opened = try await write { [store, clock] in
            try await store.openOrdered(runs, under: $0, now: clock.now)
        }
        .compactMap { $0 }
        if !opened.isEmpty { settings.changed?(.runs(opened)) }
        if isTaking { missed.runs.formUnion(opened.map(\.id)) }
        // Each stays where it is while a run of it is active, and perhaps it came there since it was read.
        let now = (try? await self.jobs(jobs.map(\.id))) ?? []
        let known = Dictionary(jobs.map { ($0.id, $0) }) { first, _ in first }
            .merging(now.map { ($0.id, $0) }) { $1 }
        // Whoever else has its shard has mail.
        let held = known.filter { state.holds($0.key) }
        let own = opened.filter { held[$0.jobID] != nil }
        if !own.isEmpty { await send(.adopted(own, held.mapValues { definition($0) })) }
        return opened
    }

    /// Whether runs of such a job may come with arguments.
    func takesArguments(_ stored: StoredJob) -> Bool {
        lanes.lane(of: stored.job.target.kind)?.dispatcher.takesArguments ?? false
    }

    /// Says what stands in the way of a run that is opened now, or is unusual about it; nil when nothing is.
    func obstacle(_ stored: StoredJob) -> String? {
        let job = stored.job
        if let reason = pause?.reason { return "dispatching is paused (\(reason)); it goes out once that goes on" }
        for tag in job.tags {
            if let pause = pausedTags[tag] {
                return "tag \(tag) is paused (\(pause.reason)); it goes out once that goes on"
            }
        }
        let active = state.activeRuns(of: stored.id).count
        if active > 0, job.policies.overlap != .allow, job.policies.overlap != .replace {
            return
                "\(active == 1 ? "a run" : "\(active) runs") of \(job.name) \(active == 1 ? "is" : "are") active; it waits for that"
        }
        if let off = job.standing?.off { return "the job is \(off.words); it runs this once" }
        return job.enabled ? nil : "the job is disabled; it runs this once"
    }

    /// Has a run end, whoever drives it.
    func cancel(_ run: RunID, of job: JobID, reason: String) async throws {
        if state.run(run) == nil { _ = try await jobs([job]) }
        if state.holds(job) { return await send(.cancel(run, reason: reason)) }
        try await store.post([Mail(to: .job(job), .cancel(run, reason: reason))])
    }

    /// Finds a job's runs that are not final: as they are driven here, else as the ledger has them.
    func activeRuns(of stored: StoredJob) async throws -> [RunID] {
        if state.holds(stored.id) { return state.activeRuns(of: stored.id) }
        let active = Set(RunState.allCases.filter { !$0.isFinal })
        return try await store.runs(RunQuery(job: stored.job.name, states: active, limit: 10_000)).map(\.id)
    }

    /// Cancels a job's runs; answers which ones there were.
    func tellRunsToEnd(of stored: StoredJob, reason: String) async throws -> [RunID] {
        let runs = try await activeRuns(of: stored)
        for id in runs { try await cancel(id, of: stored.id, reason: reason) }
        return runs
    }

    /// Cancels a job's runs; returns when they have ended or the grace is over: how many there were, and how many of them
    /// are still ending.
    func endRuns(of stored: StoredJob, reason: String) async throws -> (asked: Int, left: Int) {
        let runs = try await tellRunsToEnd(of: stored, reason: reason)
        // The executors use force after the grace; their answer takes a moment more, and so does word to another instance.
        let isHere = state.holds(stored.id)
        let deadline = clock.uptime + settings.grace + 2_000_000 + (isHere ? 0 : facts.lease)
        while true {
            let left = try await activeRuns(of: stored).count { runs.contains($0) }
            if left == 0 || clock.uptime >= deadline { return (runs.count, left) }
            do { try await clock.sleep(for: isHere ? 10_000 : 100_000) } catch { return (runs.count, left) }
        }
    }

    /// Reads what a run wrote, from its dispatcher; nothing where none keeps it.
    nonisolated func output(of run: Run, from offset: Int64, limit: Int) async throws -> [UInt8] {
        if settings.shares, let machine = run.machine, machine != facts.id {
            let its = try await store.instances().last { $0.facts.id == machine }?.facts
            let name = its.map { "'\($0.name)' on \($0.host)" } ?? run.instance ?? machine
            throw OrderError(.refused, "what it wrote is kept by the instance \(name); ask there")
        }
        for lane in lanes.served {
            if let bytes = try await lane.dispatcher.output(of: run.id, job: run.job, from: offset, limit: limit) {
                return bytes
            }
        }
        return []
    }

    /// Returns when the engine has come to it.
    func ping() {}

    func activity(of jobs: [JobID]) -> [JobID: JobActivity] {
        var found: [JobID: JobActivity] = [:]
        for job in jobs {
            for run in state.activeRuns(of: job).lazy.compactMap({ self.state.run($0) }) {
                found[job, default: JobActivity()].count(run)
            }
        }
        return found
    }

    /// The jobs that are due first, as they are planned; nil where the store alone knows, since others plan, too.
    func first(_ limit: Int) -> [JobID]? { settings.shares || state.heap.count == 0 ? nil : state.heap.first(limit) }

    func expect(_ jobs: [Job]) async {
        for (kind, jobs) in Dictionary(grouping: jobs, by: \.target.kind) { await lanes.lane(of: kind)?.expect(jobs) }
    }

    /// Says what stands against runs of these jobs just now, as their dispatchers tell.
    func doubts(of jobs: [Job]) async -> [String?] {
        var doubts = [String?](repeating: nil, count: jobs.count)
        for (kind, indices) in Dictionary(grouping: jobs.indices, by: { jobs[$0].target.kind }) {
            let told =
                await lanes.lane(of: kind)?.doubts(indices.map { jobs[$0] })
                ?? indices.map { _ in Lanes.unserved(kind) }
            for (index, doubt) in zip(indices, told) { doubts[index] = doubt }
        }
        return doubts
    }

    /// Answers the first few lines, and how many more there are.
    private static func some(of lines: [String]) -> [String] {
        let shown = 5
        return lines.prefix(shown) + (lines.count > shown ? ["and \(lines.count - shown) more"] : [])
    }

    func status(
        _ known: StoreTally.Answer?, store trouble: String?, feeds: [FeedView], ready: Bool, daemon: DaemonFacts
    ) async -> StatusView {
        let unplanned = await unplanned()
        let unreadable = faulty.values.map { "job '\($0.job.name)' cannot be read: \($0.fault ?? "")" }.sorted()
        var connections = [
            StatusView.Connection(
                name: "store", trouble: state.storeTrouble ?? trouble, warnings: Self.some(of: unreadable))
        ]
        for lane in lanes.served.sorted(by: { $0.kind < $1.kind }) {
            let health = await lane.dispatcher.health()
            connections.append(.init(name: lane.kind.rawValue, trouble: health.trouble, warnings: health.warnings))
        }
        for part in daemon.health {
            let (name, health) = await part()
            connections.append(.init(name: name, trouble: health.trouble, warnings: health.warnings))
        }
        let lateness = { (quantile: Double) in self.state.lateness.quantile(quantile).map { Double($0) / 1_000_000 } }
        // Of a store that has never answered nobody knows more than what is planned.
        let counts = known?.counts ?? StoreCounts(jobs: state.jobsInHeap, enabled: state.jobsInHeap, active: [:])
        let active = { (state: RunState) in counts.active[state.rawValue] ?? 0 }
        return StatusView(
            troubles: troubles(connections, feeds, ready: ready) + troublesOfInstances(unplanned) + daemon.troubles(),
            version: daemon.version,
            pid: getpid(), stateDirectory: daemon.stateDirectory, configuration: daemon.configuration,
            instance: instance, startedAt: startedAt, now: clock.now, ready: ready,
            jobs: counts.jobs, enabled: counts.enabled,
            active: .init(pending: active(.pending), running: active(.running), cancelling: active(.cancelling)),
            lastDay: .init(known?.hours ?? []),
            nextDue: state.earliestDue,
            due: state.due(clock.now), dispatched: state.lateness.dispatched, latenessP50Seconds: lateness(0.5),
            latenessP99Seconds: lateness(0.99), latenessMaxSeconds: lateness(1), feeds: feeds, connections: connections,
            paused: pause?.reason, pausedUntil: pause?.until,
            pausedTags: pausedTags.sorted { $0.key < $1.key }.map {
                StatusView.PausedTag(tag: $0, reason: $1.reason, until: $1.until)
            },
            shadow: settings.shadow, tzdata: zones.version, term: sharing.term.count,
            instances: settings.shares ? others.count { $0.term != nil } + 1 : nil,
            shares: settings.shares ? sharing.held.shares.count : nil, orphans: settings.shares ? unplanned : nil
        )
    }

    /// Counts the jobs in shares that nobody in force has; they are only counted when there are such.
    private func unplanned() async -> Int {
        let inForce = Set(shards.crowd)
        let isOrphaned = { (record: ShardRecord) in
            record.mayHaveJobs && !(record.holder.map(inForce.contains) ?? false)
        }
        guard settings.shares, shards.records.contains(where: isOrphaned) else { return 0 }
        let counted = (try? await store.shards(counting: true)) ?? []
        return counted.filter(isOrphaned).reduce(0) { $0 + $1.jobs }
    }

    private func troublesOfInstances(_ unplanned: Int) -> [String] {
        guard settings.shares else { return [] }
        var troubles: [String] = []
        if unplanned > 0 {
            troubles.append(
                "nobody plans \(unplanned == 1 ? "1 job" : "\(unplanned) jobs"): see `carillon instances list`")
        }
        let known = [sharing.facts] + others.filter { $0.term != nil }.map(\.facts)
        for facts in known.sorted(by: { $0.name < $1.name }) where abs(facts.clockError) >= 1_000_000 {
            let which = facts.clockError > 0 ? "ahead of" : "behind"
            troubles.append(
                "the clock of \(facts.name) is \(Span.format(abs(facts.clockError) / 100_000 * 100_000)) \(which) the store's"
            )
        }
        return troubles
    }

    private func troubles(_ connections: [StatusView.Connection], _ feeds: [FeedView], ready: Bool) -> [String] {
        var troubles = ready ? [] : ["not every feed has been read yet"]
        if let reason = pause?.reason { troubles.append("dispatching is paused: \(reason)") }
        for (tag, pause) in pausedTags.sorted(by: { $0.key < $1.key }) {
            troubles.append("tag \(tag) is paused: \(pause.reason)")
        }
        troubles += connections.compactMap { connection in connection.trouble.map { "\(connection.name): \($0)" } }
        for feed in feeds {
            if let error = feed.error { troubles.append("feed \(feed.name): \(error)") }
            switch feed.problems.count {
            case 0: break
            case 1: troubles.append("feed \(feed.name): \(feed.problems[0])")
            default: troubles.append("feed \(feed.name): \(feed.problems.count) problems")
            }
        }
        return troubles
    }
}

/// What a daemon is apart from its engine.
public struct DaemonFacts: Sendable {
    public var version: String
    public var stateDirectory: String?
    /// The settings file.
    public var configuration: String?
    /// What else somebody should look at, such as settings that wait for a restart.
    public var troubles: @Sendable () -> [String]
    /// How what is no dispatcher is, by its name.
    public var health: [@Sendable () async -> (name: String, health: DispatcherHealth)]
    /// Reads the settings again; answers what became of them.
    public var reload: @Sendable () async -> String
    /// Writes a job out for the trail of orders, without its secrets.
    public var describe: @Sendable (Job) -> String
    /// Microseconds that the trail is kept.
    public var auditKeep: Int64

    public init(
        version: String, stateDirectory: String? = nil, configuration: String? = nil,
        troubles: @escaping @Sendable () -> [String] = { [] },
        health: [@Sendable () async -> (name: String, health: DispatcherHealth)] = [],
        reload: @escaping @Sendable () async -> String = { "there is nothing to read again" },
        describe: @escaping @Sendable (Job) -> String = { "\($0.schedule.summary): \($0.target.kind)" },
        auditKeep: Int64 = 365 * 86_400_000_000
    ) {
        self.version = version
        self.stateDirectory = stateDirectory
        self.configuration = configuration
        self.troubles = troubles
        self.health = health
        self.reload = reload
        self.describe = describe
        self.auditKeep = auditKeep
    }
}

import CarillonCore
import Logging
import Timetable

extension Engine {
    /// Does everything between an empty process and the first tick.
    static func start(
        store: any JobStore, dispatchers: [any Dispatcher], clock: Clock, zones: ZoneDatabase,
        feeds: [String], instance: InstanceFacts, bootID: String, settings: EngineSettings, logger: Logger
    ) async throws -> Engine {
        var instance = instance
        instance.zones = zones.version
        instance.isAlone = !settings.shares
        instance.labels.formUnion(feeds.map(label(ofFeed:)))
        if instance.does(InstanceFacts.custodian) { instance.labels.insert(custodyLabel) }
        if instance.does(InstanceFacts.scheduler) {
            instance.labels.formUnion([instance.host, instance.name].map(Place.label(ofHost:)))
        }
        let sharing = try await join(store, instance, clock: clock, settings, logger)
        let beats = Beats()
        async let _: Void = beat(store, sharing.term, beats, clock: clock, every: settings.heartbeat)
        let taken =
            settings.shares
            ? Taken(cursors: [], runs: [])
            : try await store.take(
                Set(try await store.shards(counting: false).filter(\.mayHaveJobs).map(\.shard)), under: sharing.term)
        let pause = try await store.note(Pause.note).map(Pause.init)
        let tags = Pause.ofTags(try await store.note(Pause.tagsNote))
        let bootedAt =
            settings.shares
            ? try await reboot(bootID, of: instance.id, store: store, now: clock.now)
            : try await boot(bootID, store: store, now: clock.now)
        let names = Set([instance.host, instance.name].filter { !$0.isEmpty }).sorted()
        let lanes = Lanes(dispatchers, hosts: settings.shares ? nil : names)
        let state = EngineState(
            storeID: try await store.storeID(), instance: instance.name, cursors: taken.cursors, now: clock.now,
            bootedAt: bootedAt, pauseReason: pause?.reason,
            pausedTags: tags.mapValues { ($0.reason, $0.since ?? clock.now) }, lanes: lanes.states,
            holding: settings.shares ? [] : Set(Shard.all), machine: settings.shares ? instance.id : nil)
        let custody = settings.shares ? try await store.shard(labelled: custodyLabel) : nil
        var feedShards: [String: Shard] = [:]
        if settings.shares {
            for feed in feeds { feedShards[feed] = try await store.shard(labelled: label(ofFeed: feed)) }
        }
        let engine = Engine(
            store: store, clock: clock, zones: zones, lanes: lanes, settings: settings, logger: logger,
            sharing: sharing, beats: beats, custody: custody,
            feedShards: feedShards, state: state, pause: pause, pausedTags: tags)
        // The clock may have gone back while no daemon ran.
        await engine.rewindIfAhead()
        try await engine.adopt(taken.runs)
        // Each time, because the last process may have died between the note of the boot and its runs.
        await engine.send(.plan(await engine.state.waitingForBoot))
        await engine.takeUpWhatWasChanged(taken.cursors)
        try await engine.replanIfZonesChanged()
        // What it had before a restart it has still.
        if settings.shares {
            await engine.adoptMachine(isFirst: true)
            _ = await engine.look()
        }
        await engine.hold(from: beats.sent)
        return engine
    }

    /// What stands where retention is carried out.
    static var custodyLabel: String { "custody" }

    /// What stands where a feed is read.
    static func label(ofFeed feed: String) -> String { "feed:" + feed }

    /// Answers when this boot of the machine was first seen.
    private static func boot(_ id: String, store: any JobStore, now: Timestamp) async throws -> Timestamp {
        if let note = try await store.note("boot"), note.hasPrefix(id + " "),
            let seen = Int64(note.dropFirst(id.count + 1))
        {
            return Timestamp(microseconds: seen)
        }
        try await store.setNote("boot", "\(id) \(now.microseconds)")
        return now
    }

    /// Answers now when a machine was booted since its last daemon, of those that share; nil for one that is new.
    private static func reboot(
        _ id: String, of machine: String, store: any JobStore, now: Timestamp
    ) async throws -> Timestamp? {
        let before = try await store.note("boot." + machine)
        if before != id { try await store.setNote("boot." + machine, id) }
        return before.flatMap { $0 == id ? nil : now }
    }

    /// Asks the dispatchers what became of the ledger's active runs, and takes all of them up.
    func adopt(_ active: [Run]) async throws {
        // What executors tell of them meanwhile waits until they are known.
        adopting.formUnion(active.map(\.id))
        defer { adopting.subtract(active.map(\.id)) }
        let definitions = try await definitions(of: active)
        let byLane = Dictionary(grouping: active) { definitions[$0.jobID]?.lane }
        // What waits for a dispatcher that this daemon lacks waits on; of what is out there nobody tells.
        var taken = byLane[outboxes.count, default: []].filter { $0.dispatchedAt == nil }
        var changed: Set<RunID> = []
        for (lane, outbox) in outboxes.enumerated() {
            let runs = byLane[lane] ?? []
            if settings.shares, outbox.lane.dispatcher.isBound {
                // Those that are marked are out, here or elsewhere, and whoever has them tells; the others nobody has.
                taken += runs
                continue
            }
            // Whoever tells of them may have to be listened to.
            await outbox.lane.expect(Set(runs.map(\.jobID)).sorted().compactMap { definitions[$0]?.job })
            let never = Set(await outbox.lane.dispatcher.adopt(runs))
            for var run in runs {
                if never.contains(AttemptID(run: run.id, attempt: run.attempt)) {
                    run.dispatchedAt = nil
                } else {
                    // Its mark was lost with the last process.
                    if run.dispatchedAt == nil { changed.insert(run.id) }
                    run.dispatchedAt = run.dispatchedAt ?? run.createdAt
                }
                taken.append(run)
            }
        }
        await send(.adopted(taken, definitions, changed: changed))
        let told = heldBack
        heldBack = []
        if !told.isEmpty { await send(.told(told)) }
        if !taken.isEmpty { logger.info("runs of an earlier process taken up", metadata: ["runs": "\(taken.count)"]) }
    }

    /// Which time-zone database this instance has planned with.
    private var zonesNote: String { settings.shares ? "zones." + facts.id : "zones" }

    /// Plans every job anew when the time-zone database is not the one their next times were computed with.
    func replanIfZonesChanged() async throws {
        guard try await store.note(zonesNote) != zones.version else { return }
        // What it had before a restart it takes as what others have planned.
        replansNextTaken = settings.shares
        try await replan()
    }

    /// Plans every job anew.
    func replan() async throws {
        let version = zones.version
        forgetDefinitions()
        var last: String?
        while true {
            let page = try await store.jobs(after: last, limit: state.limits.batch)
            guard let end = page.last else { break }
            last = end.job.name
            for job in page { locate(job) }
            await send(.plan(page.filter { $0.job.isOn }.map(\.id)))
        }
        try await store.setNote(zonesNote, version)
    }
}

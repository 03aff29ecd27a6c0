import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// Daemons come and go; the ledger and the executor stay.
extension SimulatedInstance {
    /// Does everything between an empty process and the first tick, as the live engine does it.
    func boot() {
        guard !isUp else { return }
        life += 1
        process += 1
        (handing, letters, isPosting, unasked, owed) = ([], [], false, [], [])
        if isStoreDown || (faulty && random.chance(0.05)) { return bootLater() }
        isUp = true
        holdings = Holdings()
        openStore()
        begin()
        trace { "starts its life \(self.life)" }
        if isShared { return join() }
        soleTerm = ledger.join(name)
        let cursors = ledger.cursors()
        state = fresh(cursors, holding: Set(Shard.all))
        takeUp(cursors, Lane.tick)
        act(Lane.tick) { self.adopt() }
        rewindIfAhead(Lane.tick)
        work(Lane.tick)
    }

    private func openStore() {
        #if MongoDB
            guard let opened = world.documents?.open(for: self) else { return }
            (documents, store) = opened
        #endif
    }

    /// Forgets everything of an earlier life.
    func begin() {
        lanes = Array(repeating: Lane(), count: Lane.count)
        (outbox, outboxStart) = ([], 0)
        (mustRewind, crashSoon, isReady) = (false, false, false)
        (frozenUntil, listensUntil, thawing) = (0, 0, [])
        (soleTerm, sharing, isGateClosed, writes, isGiving) = (nil, nil, false, 0, false)
        beats = 0
        state = fresh([], holding: [])
        watch = ClockWatch(now: wall, uptime: uptime)
    }

    private func fresh(_ cursors: [JobCursor], holding shards: Set<Shard>) -> EngineState {
        var state = EngineState(
            storeID: ledger.storeID, instance: name, cursors: cursors, now: wall, pauseReason: ledger.notes["pause"],
            pausedTags: pausedTags, holding: shards, machine: isShared ? name : nil)
        state.lanes[0].isBound = world.livesOnMachines
        state.lanes[0].lostAfter = World.lostAfter
        state.lanes[0].capacity = seed % 3 == 0 ? 2 : nil
        state.limits.patience = 60_000_000
        state.limits.batch = seed % 5 == 0 ? 2 : seed % 5 == 1 ? 1 : 100
        // The first batch of a burst is small, and the next ones grow.
        state.limits.firstBatch = seed % 3 == 0 ? 100 : 1
        state.limits.lookAhead = seed % 2 == 0 ? JobMaker.day : 10_000_000
        state.limits.keep = seed % 4 == 0 ? 0 : seed % 4 == 1 ? JobMaker.day : 60_000_000
        state.limits.markLag = seed % 3 == 0 ? JobMaker.hour / 60 : 1_000_000
        return state
    }

    private func bootLater() {
        // A machine may be away for long, and others go on.
        let longest = isShared && faulty && random.chance(0.1) ? 2 * JobMaker.day : JobMaker.hour
        later(random.span(1_000_000...longest)) { self.boot() }
    }

    private func adopt() {
        isReady = true
        adopt(ledger.activeRuns(after: nil, limit: .max), Lane.tick)
    }

    /// Asks the executor what became of runs, and takes them up.
    func adopt(_ active: [Run], _ lane: Int) {
        // What is marked is out, here or elsewhere, and whoever has it tells.
        if world.livesOnMachines { return send(.adopted(active, definitions(of: active)), lane: lane) }
        let never = Set(executor.adopt(active.map { AttemptID(run: $0.id, attempt: $0.attempt) }, alone: !isShared))
        let taken = active.map { run in
            var run = run
            let isUnknown = never.contains(AttemptID(run: run.id, attempt: run.attempt))
            run.dispatchedAt = isUnknown ? nil : run.dispatchedAt ?? run.createdAt
            return run
        }
        let unmarked = Set(active.filter { $0.dispatchedAt == nil }.map(\.id))
        let changed = unmarked.intersection(taken.filter { $0.dispatchedAt != nil }.map(\.id))
        send(.adopted(taken, definitions(of: active), changed: changed), lane: lane)
    }

    /// Ends what is wrong with it.
    func calm() {
        ambush = nil
        crashSoon = false
        cutUntil = 0
        setClock(error: 0)
    }

    /// Ends the daemon between two instructions.
    func crash() {
        guard isUp else { return }
        trace { "dies" }
        totals.crashes += 1
        crashSoon = false
        end()
    }

    private func end() {
        isUp = false
        life += 1
        #if MongoDB
            documents?.die()
        #endif
        bootLater()
    }

    /// Sends SIGTERM; then a grace, and a new start.
    func stop() {
        guard isUp else { return }
        send(.shutdown(endRuns: random.chance(0.5)), lane: Lane.observe)
        let mine = life
        later(random.span(10_000...12_000_000)) {
            guard mine == self.life, self.isUp else { return }
            self.trace { "has stopped" }
            self.end()
        }
    }

    // MARK: The clock

    func setClock(error: Int64) {
        guard clockError != error else { return }
        totals.clockSteps += 1
        trace { "its wall clock is set to an error of \(Span.format(error))" }
        clockError = error
        noticeClock()
    }

    /// Lets the daemon read the wall clock, as it does every second at least.
    func noticeClock() {
        later(random.number(0...1_000_000)) { if self.isUp { self.send(.tick, lane: Lane.observe) } }
    }

    /// Holds everything back, or the jobs with a tag; without a reason they go on.
    func pause(_ reason: String?, tag: String? = nil) {
        guard isUp else { return later(JobMaker.hour / 60) { self.pause(reason, tag: tag) } }
        if let tag {
            let isSame = (ledger.notes[Self.tagNote] == nil) == (reason == nil)
            if !isSame {
                let since = reason.map { [wall] _ in "\(wall.microseconds)" }
                atOnce { store in try await store.setNote(Self.tagNote, since) }
            }
            send(.tagPaused(tag, reason), lane: Lane.observe)
        } else {
            atOnce { store in try await store.setNote("pause", reason) }
            send(.paused(reason), lane: Lane.observe)
        }
    }

    /// Since when the jobs with `JobMaker.pausedTag` are held back, in microseconds.
    static let tagNote = "paused tag"

    private var pausedTags: [String: (reason: String, since: Timestamp)] {
        guard let since = ledger.notes[Self.tagNote].flatMap(Int64.init) else { return [:] }
        return [JobMaker.pausedTag: ("by hand", Timestamp(microseconds: since))]
    }
}

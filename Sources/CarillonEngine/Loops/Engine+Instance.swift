import CarillonCore
import Logging
import Synchronization

/// Signs of life of one term: how many there were, and when the last one that got through was sent.
final class Beats: Sendable {
    private let state = Mutex((count: Int64(0), sent: Int64.min))

    /// Numbers the next one.
    func next() -> Int64 {
        state.withLock { state in
            state.count += 1
            return state.count
        }
    }

    /// When the last one that got through was sent, by the clock of `sinceBoot`.
    var sent: Int64 { state.withLock { $0.sent } }

    func gotThrough(sent: Int64) { state.withLock { $0.sent = max($0.sent, sent) } }
}

/// Being in force. Nothing goes out while somebody else may be.
extension Engine {
    /// Joins. One that shares the jobs with others has no shard yet; one that does not is dealt all of them, and waits while
    /// another instance has some, as after a machine that is gone.
    static func join(
        _ store: any JobStore, _ facts: InstanceFacts, clock: Clock, _ settings: EngineSettings, _ logger: Logger
    ) async throws -> Sharing {
        var watch = Watch()
        var said = ""
        func say(_ why: String) {
            if why != said { logger.warning("waiting for the store", metadata: ["error": "\(why)"]) }
            said = why
        }
        let pause = min(settings.heartbeat / 3, settings.slice)
        var looked = clock.sinceBoot
        while true {
            do {
                let records = try await store.instances()
                // A store that was silent kept others' signs of life back, too.
                if clock.sinceBoot - looked > pause + facts.lease / 5 { watch.restart() }
                looked = clock.sinceBoot
                let others = try await others(in: store, records, than: facts, settings, &watch, looked)
                if let other = others.first?.facts {
                    say(Self.inTheWay(other, of: facts))
                } else {
                    let sent = clock.sinceBoot
                    let term = try await store.join(facts, nonce: .random(in: .min ... .max))
                    var sharing = Sharing(facts, term, sent: sent)
                    sharing.limits.look = settings.heartbeat / 3
                    if settings.shares { return sharing }
                    if try await takesAll(of: store, term) { return sharing }
                    // Somebody else came at the same moment.
                    try await store.leave(term)
                }
            } catch let error as StoreError
                where [.busy, .leaseLost].contains(error.code) || error.code == .unreachable && settings.waitsForStore
            {
                say("\(error)")
                watch.restart()
            }
            try await clock.sleep(for: pause)
        }
    }

    private static func inTheWay(_ other: InstanceFacts, of facts: InstanceFacts) -> String {
        if other.id == facts.id {
            return
                "a daemon on \(other.host) has the identity of this state directory, as a copy of it has; one that was killed "
                + "is given up after its lease, and else remove the file `identity` here"
        }
        return
            "another daemon, '\(other.name)' on \(other.host), works with it; one that was killed is given up after its lease"
    }

    /// Finds the instances in force that must end before this one joins, and ends those that have been silent for too long: all
    /// others where it or they are to be alone, and in any case one with its own identity that is not an earlier process of this machine.
    private static func others(
        in store: any JobStore, _ records: [InstanceRecord], than facts: InstanceFacts, _ settings: EngineSettings,
        _ watch: inout Watch, _ now: Int64
    ) async throws -> [InstanceRecord] {
        // In a store of one alone whoever joins ends the one before.
        guard store.isShared else { return [] }
        let others = records.filter { record in
            let isOwn = record.facts.id == facts.id
            let isHere = record.facts.host == facts.host && record.facts.boot == facts.boot
            return record.term != nil && (isOwn ? !isHere : !settings.shares || record.facts.isAlone)
        }
        var ended: Set<InstanceNumber> = []
        for beat in watch.look(others.compactMap(Beat.init), at: now)
        where try await store.end(beat.number, term: beat.term, beat: beat.count) {
            ended.insert(beat.number)
        }
        return others.filter { !ended.contains($0.number) }
    }

    /// Whether every share is this instance's, once it was dealt what nobody has.
    private static func takesAll(of store: any JobStore, _ term: Term) async throws -> Bool {
        func rest() async throws -> [ShardRecord] {
            try await store.shards(counting: false).filter { $0.mayHaveJobs && $0.holder != term.instance }
        }
        let free = try await rest()
        if free.isEmpty { return true }
        try await store.deal(free.map { ShardMove($0, to: term.instance) })
        return try await rest().isEmpty
    }

    /// Leaves signs of life while there is no engine yet to do it: what it begins with may take longer to read than the lease.
    static func beat(_ store: any JobStore, _ term: Term, _ beats: Beats, clock: Clock, every pause: Int64) async {
        while (try? await clock.sleep(for: pause)) != nil {
            let sent = clock.sinceBoot
            if (try? await store.beat(term, count: beats.next())) != nil { beats.gotThrough(sent: sent) }
        }
    }

    /// Leaves signs of life, again and again; throws once somebody has ended this instance, when it does not share.
    func beatLoop() async throws {
        while !Task.isCancelled {
            do { try await clock.sleep(for: settings.heartbeat) } catch { return }
            try await beat()
        }
    }

    private func beat() async throws {
        // Counted from before it is sent, by a clock that runs while the machine sleeps.
        let (sent, term) = (clock.sinceBoot, sharing.term)
        let begun = clock.uptime
        do {
            try await store.beat(term, count: beats.next())
            metrics.took(.beat, clock.uptime - begun)
            if term == sharing.term { hold(from: sent) }
        } catch let error as StoreError where error.code == .leaseLost && !settings.shares {
            throw error
        } catch {
            refused(error, under: term)
            if (error as? StoreError)?.code != .leaseLost { _ = note(error) }
        }
    }

    func hold(from sent: Int64) {
        sharing.beaten(sent: sent)
        let end = sharing.deadline
        heldUntil.withLock { $0 = end }
        let resumed = holders.values
        holders = [:]
        for holder in resumed { holder.resume() }
    }

    /// Whether nobody else may start what this engine has opened.
    private nonisolated var isHeld: Bool { clock.sinceBoot <= heldUntil.withLock { $0 } }

    /// Answers true at once while this instance is in force for certain, else when it is again, and false when the task is
    /// cancelled before: one that lost sight of its store hands nothing over, since another may have taken it up.
    nonisolated func untilHeld(in life: Int) async -> Bool {
        while !isHeld {
            if Task.isCancelled { return false }
            await wait()
        }
        // Mostly there is but one.
        return await self.life == life
    }

    private func wait() async {
        if isHeld { return }
        let ticket = tickets
        tickets += 1
        await withTaskCancellationHandler {
            await withCheckedContinuation { holder in
                if Task.isCancelled { holder.resume() } else { holders[ticket] = holder }
            }
        } onCancel: {
            Task { await self.letGo(ticket) }
        }
    }

    private func letGo(_ ticket: Int) { holders.removeValue(forKey: ticket)?.resume() }

    func leave() async {
        do {
            try await store.leave(sharing.term)
        } catch {
            _ = note(error)
        }
    }
}

import CarillonCore
import Logging
import Synchronization

/// Being in force. Nothing goes out while somebody else may be.
extension Engine {
    /// Joins; one that shares the jobs with others has no shard yet. One that does not takes all of them, with what stands in them,
    /// and waits while another instance has them, as after a machine that is gone.
    static func join(
        _ store: any JobStore, _ facts: InstanceFacts, clock: Clock, _ settings: EngineSettings, _ logger: Logger
    ) async throws -> (Sharing, Taken) {
        var watch = Watch()
        var said = ""
        func say(_ why: String) {
            if why != said { logger.warning("waiting for the store", metadata: ["error": "\(why)"]) }
            said = why
        }
        while true {
            do {
                let others = settings.shares ? [] : try await others(in: store, than: facts, &watch, clock)
                if let other = others.first?.facts {
                    say(
                        "another daemon, '\(other.name)' on \(other.host), works with it; one that was killed is given up "
                            + "after its lease")
                } else {
                    let sent = clock.sinceBoot
                    let term = try await store.join(facts, nonce: .random(in: .min ... .max))
                    let sharing = Sharing(facts, term, sent: sent)
                    if settings.shares { return (sharing, Taken(cursors: [], runs: [])) }
                    if try await takesAll(of: store, term) {
                        return (sharing, try await store.take(Set(Shard.all), under: term))
                    }
                    // Somebody else came at the same moment.
                    try await store.leave(term)
                }
            } catch let error as StoreError where error.code == .unreachable && settings.waitsForStore {
                say("\(error)")
                watch.restart()
            }
            try await clock.sleep(for: min(settings.heartbeat / 3, settings.slice))
        }
    }

    /// Finds the other instances in force, and ends those that have been silent for too long.
    private static func others(
        in store: any JobStore, than facts: InstanceFacts, _ watch: inout Watch, _ clock: Clock
    ) async throws -> [InstanceRecord] {
        // In a store of one alone whoever joins ends the one before.
        guard store.isShared else { return [] }
        let others = try await store.instances().filter { $0.term != nil && $0.facts.id != facts.id }
        let silent = watch.look(others.compactMap(Beat.init), at: clock.sinceBoot)
        for beat in silent { _ = try await store.end(beat.number, term: beat.term, beat: beat.count) }
        return others.filter { other in !silent.contains { $0.number == other.number } }
    }

    /// Whether every share is this instance's, once it was dealt what nobody has.
    private static func takesAll(of store: any JobStore, _ term: Term) async throws -> Bool {
        func rest() async throws -> [ShardRecord] {
            try await store.shards(counting: false).filter { $0.label == nil && $0.holder != term.instance }
        }
        let free = try await rest()
        if free.isEmpty { return true }
        try await store.deal(free.map { ShardMove($0, to: term.instance) })
        return try await rest().isEmpty
    }

    /// Leaves signs of life, again and again; throws once somebody has ended this instance.
    func beatLoop() async throws {
        var count: Int64 = 0
        while !Task.isCancelled {
            do { try await clock.sleep(for: settings.heartbeat) } catch { return }
            count += 1
            try await beat(count)
        }
    }

    private func beat(_ count: Int64) async throws {
        // Counted from before it is sent, by a clock that runs while the machine sleeps.
        let (sent, term) = (clock.sinceBoot, sharing.term)
        do {
            try await store.beat(term, count: count)
            sharing.beaten(sent: sent)
            hold(from: sent)
        } catch let error as StoreError where error.code == .leaseLost && !settings.shares {
            throw error
        } catch {
            refused(error, under: term)
            if (error as? StoreError)?.code != .leaseLost { _ = note(error) }
        }
    }

    func hold(from sent: Int64) {
        let end = sent + facts.lease - facts.lease / 10
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

import CarillonCore
import Logging
import Synchronization
import Timetable

/// Sharing the jobs with other instances: what `Sharing` decides is carried out here.
extension Engine {
    /// Looks what others do, again and again; does what follows.
    func lookLoop() async throws {
        while !Task.isCancelled {
            let pause = await look()
            do { try await clock.sleep(for: pause) } catch { return }
        }
    }

    /// How many shares of the jobs are planned here.
    package var heldShares: Int { sharing.held.shares.count }

    /// How many jobs have a next time here.
    package var plannedJobs: Int { state.jobsInHeap }

    /// Looks once; answers how long to wait for the next time, in microseconds.
    package func look() async -> Int64 {
        // One after the other.
        if isLooking { return settings.breath }
        isLooking = true
        defer { isLooking = false }
        if isLost {
            if isStopping { return facts.lease }
            await rejoin()
        }
        // Before anything is taken: what runs here is known then.
        if owesAdoption { await adoptMachine() }
        if owesAdoption { return facts.lease / 12 }
        let term = sharing.term
        do {
            if mustDescribe {
                mustDescribe = false
                do {
                    try await store.describe(sharing.facts, under: sharing.term)
                } catch {
                    mustDescribe = true
                    throw error
                }
            }
            let asked = clock.now
            let news = try await store.news(for: sharing.held, machine: facts.id)
            // Next times may have been computed by other rules.
            mustReplanTaken = news.instances.contains { !$0.facts.zones.isEmpty && $0.facts.zones != zones.version }
            noteClock(news.clock, between: asked, and: clock.now)
            // Where somebody may have so many jobs only, they are counted each time: new ones change nobody's holding.
            let counting =
                news.instances.contains { $0.term != nil && $0.facts.mostJobs > 0 } || isToCountHomeless(news)
            if counting || news.holdings != shards.holdings || crowd(of: news) != shards.crowd {
                shards = Holdings(
                    records: try await store.shards(counting: counting), holdings: news.holdings,
                    crowd: crowd(of: news))
            }
            others = news.instances.filter { $0.number != term.instance }
            // Before anything is taken: what is paused may not go out.
            await takeUpNotes(news.notes)
            let steps = sharing.look(news.instances, shards.records, at: clock.sinceBoot)
            for step in steps { await carryOut(step) }
            await passOn()
            await send(.present(Set(news.instances.filter { $0.term != nil }.map(\.facts.id)), at: clock.sinceBoot))
            await read(news.mail, under: term)
            tellPauses()
            if counting { noteOrphans() }
            // What follows from the death of another one waits for no look.
            if steps.contains(where: \.calls) { return settings.breath }
            return sharing.pause(among: news.instances, at: clock.sinceBoot)
        } catch {
            refused(error, under: term)
            _ = note(error)
            return facts.lease / 12
        }
    }

    /// Whether jobs are to be counted whose machine is away; not at each look, as there may be very many of others.
    private func isToCountHomeless(_ news: News) -> Bool {
        let inForce = Set(crowd(of: news))
        let isHomeless = shards.records.contains { record in
            record.label != nil && record.mayHaveJobs && !(record.holder.map(inForce.contains) ?? false)
        }
        guard isHomeless || orphans > 0 else { return false }
        if let countedAt, clock.uptime - countedAt < Self.untilCounted { return false }
        countedAt = clock.uptime
        return true
    }

    private static var untilCounted: Int64 { 15_000_000 }

    /// Who there is: whoever comes or goes has the shards looked at anew.
    private func crowd(of news: News) -> [InstanceNumber] { news.instances.filter { $0.term != nil }.map(\.number) }

    /// Compares the wall clock with the store's, whose answer came between two moments.
    private func noteClock(_ theirs: Timestamp?, between sent: Timestamp, and heard: Timestamp) {
        guard let theirs else { return }
        let middle = (sent.microseconds + heard.microseconds) / 2
        let error = middle - theirs.microseconds
        // The way there and back tells no better than this.
        guard abs(error - sharing.facts.clockError) > max(heard.microseconds - sent.microseconds, 100_000) else {
            return
        }
        sharing.describe { $0.clockError = error }
        mustDescribe = true
    }

    private func name(of number: InstanceNumber) -> String {
        others.first { $0.number == number }?.facts.name ?? "\(number.number)"
    }

    /// Says when jobs have nobody who plans them, as where all have as many as they may.
    private func noteOrphans() {
        let inForce = Set(shards.crowd)
        let orphaned = shards.records.filter { !($0.holder.map(inForce.contains) ?? false) }
        let count = orphaned.reduce(0) { $0 + $1.jobs }
        if count > 0, count != orphans {
            logger.error(
                "nobody plans some jobs: every instance has as many as it may (instance.max_jobs), or the machine that they are for is away",
                metadata: ["jobs": "\(count)"])
        }
        if count == 0, orphans > 0 { logger.notice("all jobs are planned again") }
        orphans = count
    }

    private func carryOut(_ step: Sharing.Step) async {
        do {
            switch step {
            case .take(let shards): await take(shards)
            case .end(let beat):
                guard try await store.end(beat.number, term: beat.term, beat: beat.count) else { return }
                logger.warning(
                    "an instance is given up: it has left no sign of life",
                    metadata: ["instance": "\(name(of: beat.number))"])
            case .deal(let moves): try await store.deal(moves)
            case .give(let moves): askToGive.yield(moves)
            case .lose: isLost = true
            }
        } catch {
            _ = note(error)
        }
    }

    // MARK: Taking

    /// Reads what stands in shards that this instance was given, has the dispatchers adopt what is out, and only then plans.
    private func take(_ shards: Set<Shard>) async {
        let (term, mine) = (sharing.term, life)
        let since = clock.now.adding(microseconds: -sharing.silence(of: shards, at: clock.sinceBoot))
        isTaking = true
        defer { (isTaking, missed) = (false, ([], [])) }
        do {
            let taken = try await store.take(shards, under: term)
            guard life == mine else { return }
            // Later it is no boot that brings a job here.
            if clock.now > startedAt.adding(microseconds: Self.bootTime) { state.bootedAt = nil }
            try await adopt(taken.runs)
            guard life == mine, sharing.term == term else { return }
            sharing.taken(shards)
            await send(.took(shards, taken.cursors, since: since))
            try await hearOfMissed()
            if mustReplanTaken || replansNextTaken { await plan(taken.cursors.map(\.id)) }
            replansNextTaken = false
            if lanes.served.contains(where: \.dispatcher.isConfirming) { askToExpect.yield(taken.cursors.map(\.id)) }
            let rebooted = state.waitingForBoot
            if !rebooted.isEmpty { await send(.plan(rebooted)) }
            await takeUpWhatWasChanged(taken.cursors)
            await rewindIfAhead()
            logger.info("shards taken", metadata: ["shards": "\(shards.count)", "jobs": "\(taken.cursors.count)"])
        } catch {
            sharing.notTaken(shards)
            refused(error, under: term)
            _ = note(error)
        }
    }

    /// Takes up what was changed and opened here while shards were being taken.
    private func hearOfMissed() async throws {
        isTaking = false
        let (jobs, runs) = missed
        if !jobs.isEmpty { await hear(ofChanged: try await self.jobs(jobs.sorted())) }
        try await hear(ofOpened: Array(runs))
    }

    /// Takes up runs that somebody has opened, of jobs that stand here.
    private func hear(ofOpened ids: [RunID]) async throws {
        var found: [Run] = []
        for id in ids where state.run(id) == nil {
            if let run = try await store.run(id), !run.state.isFinal { found.append(run) }
        }
        try await takeUp(found)
    }

    /// Begins to drive runs that are not known here yet, of jobs that stand here.
    func takeUp(_ runs: [Run]) async throws {
        if runs.isEmpty { return }
        let definitions = try await definitions(of: runs)
        let ours = runs.filter { state.holds($0.jobID) && state.run($0.id) == nil }
        if !ours.isEmpty { await send(.adopted(ours, definitions)) }
    }

    /// Microseconds in which a machine that was booted has jobs again that wait for that.
    private static var bootTime: Int64 { 120_000_000 }

    /// Has dispatchers expect the jobs that this instance was given, beside the looks: there may be very many.
    func expectLoop() async {
        for await ids in toExpect {
            for start in stride(from: 0, to: ids.count, by: 500) {
                let jobs = (try? await self.jobs(Array(ids[start..<min(start + 500, ids.count)]))) ?? []
                await expect(jobs.filter { state.holds($0.id) }.map(\.job))
            }
        }
    }

    // MARK: Giving

    /// How long what is to go may still be on its way, in leases, before it is kept.
    private static var longestLeaving: Int64 { 3 }

    /// Gives what is to go, beside the looks: until it has come to rest others may need this instance.
    func giveLoop() async {
        for await moves in gives { await give(moves) }
    }

    /// Lets what stands in these shards come to rest, and hands them over.
    private func give(_ moves: [ShardMove]) async {
        let mine = life
        let shards = Set(moves.map(\.shard))
        await send(.leave(shards))
        let deadline = clock.uptime + Self.longestLeaving * facts.lease
        while !state.isQuiet, clock.uptime < deadline, life == mine {
            await saveAll()
            if state.isQuiet { break }
            do { try await clock.sleep(for: settings.breath) } catch { return }
        }
        guard life == mine else { return }
        guard state.isQuiet else {
            logger.warning("shards are kept: something of them does not come to rest")
            return await keep(shards)
        }
        // Nothing is written until it is known what became of it.
        await closeGate()
        defer { openGate() }
        guard life == mine else { return }
        let give = sharing.give(nonce: .random(in: .min ... .max))
        while life == mine {
            do {
                let term = try await store.give(give.moves, under: give.term, nonce: give.nonce)
                let gone = sharing.gave(term, at: clock.sinceBoot)
                // Whoever waits to write goes on after the next event, which may write itself.
                openGate()
                await send(.gave(gone))
                logger.info("shards given", metadata: ["shards": "\(gone.count)"])
                return
            } catch let error as StoreError where error.code == .leaseLost {
                isLost = true
                return
            } catch {
                _ = note(error)
                do { try await clock.sleep(for: facts.lease / 12) } catch { return }
            }
        }
    }

    /// Goes on with shards that were to go.
    private func keep(_ shards: Set<Shard>) async {
        sharing.keep()
        do {
            let taken = try await store.take(shards, under: sharing.term)
            await send(.took(shards, taken.cursors, since: clock.now))
        } catch {
            // Nobody would plan them.
            isLost = true
        }
    }

    // MARK: Losing

    /// A write was refused: somebody has ended this instance, unless it has replaced the term itself meanwhile.
    func refused(_ error: any Error, under term: Term) {
        guard settings.shares, (error as? StoreError)?.code == .leaseLost, sharing.isLost(byRefusalOf: term) else {
            return
        }
        isLost = true
    }

    /// Forgets all that it believed of the ledger; answers of the store and of dispatchers that are still to come are of a life
    /// that is over.
    private func drop() async {
        await send(.gave(state.held))
        life += 1
        heldUntil.withLock { $0 = .min }
        state = EngineState(
            storeID: state.storeID, instance: state.instance, cursors: [], now: clock.now, bootedAt: state.bootedAt,
            pauseReason: pause?.reason, pausedTags: pausedTags.mapValues { ($0.reason, $0.since ?? clock.now) },
            lanes: lanes.states, holding: [], machine: facts.id)
    }

    /// Drops everything that it believed of the ledger, and begins another life. What runs goes on, and is adopted by whoever has
    /// its shard.
    private func rejoin() async {
        logger.warning("this instance was given up by the others: it joins again")
        await drop()
        while !Task.isCancelled, !isStopping {
            do {
                let sent = clock.sinceBoot
                // As it says of itself by now.
                let own = sharing.facts
                let term = try await store.join(own, nonce: .random(in: .min ... .max))
                let limits = sharing.limits
                sharing = Sharing(own, term, sent: sent)
                sharing.limits = limits
                beats = Beats()
                hold(from: sent)
                isLost = false
                await adoptMachine()
                return
            } catch {
                _ = note(error)
                do { try await clock.sleep(for: facts.lease / 12) } catch { return }
            }
        }
    }

    // MARK: Leaving

    /// Says that it leaves, and gives the others the time of a look to be ready: nothing is given before, and nobody waits then.
    private func announceLeaving() async {
        let deadline = clock.uptime + 2 * facts.lease
        while isLooking {
            guard clock.uptime < deadline else { return }
            do { try await clock.sleep(for: settings.breath) } catch { return }
        }
        isLooking = true
        defer { isLooking = false }
        sharing.describe { $0.isLeaving = true }
        do {
            try await store.describe(sharing.facts, under: sharing.term)
            try await clock.sleep(for: min(facts.lease / 3, 1_000_000))
        } catch {
            mustDescribe = true
        }
    }

    /// Hands everything over to those who stay; what nobody has room for stays behind.
    func handOver() async {
        await announceLeaving()
        var held = sharing.held.count
        var deadline = clock.uptime + 4 * facts.lease
        while !sharing.held.isEmpty, !isLost, clock.uptime < deadline {
            _ = await look()
            if sharing.held.isEmpty { return }
            if sharing.held.count < held {
                held = sharing.held.count
                deadline = clock.uptime + 4 * facts.lease
            }
            do { try await clock.sleep(for: settings.breath) } catch { return }
        }
    }

    /// Whether one of those who share reads a feed for all.
    func isRead(byOne feed: String) -> Bool { feedShards[feed] != nil }

    /// The shard of a feed that is not this instance's to read; nil for one that is.
    func shard(ofFeedElsewhere feed: String) -> Shard? {
        feedShards[feed].flatMap { sharing.held.contains($0) ? nil : $0 }
    }

    /// Whether this one sees to what is everybody's, such as retention.
    var isCustodian: Bool { custody.map { sharing.held.contains($0) } ?? true }

    // MARK: Notes

    /// Takes up what another instance has noted: what is paused.
    private func takeUpNotes(_ revision: Int64) async {
        guard revision != notes else { return }
        do {
            pausesRead = try await readPauses()
            notes = revision
            operationAlarm.ring()
        } catch {
            _ = note(error)
        }
    }

    /// Says what it holds back, once nothing older is on its way out.
    private func tellPauses() {
        guard pausesRead != sharing.facts.pauses, state.lanes.allSatisfy({ $0.dispatching == 0 }) else { return }
        sharing.describe { [pausesRead] in $0.pauses = pausesRead }
        mustDescribe = true
    }

    /// Waits until all others hold back what this one has noted; names those that have not said so in time.
    func untilOthersPause() async throws -> [String] {
        guard settings.shares else { return [] }
        let wanted = try await pausesNoted()
        let deadline = clock.uptime + 2 * facts.lease
        while true {
            let late = try await store.instances().filter {
                $0.term != nil && $0.number != sharing.term.instance && $0.facts.pauses != wanted
                    && $0.facts.does(InstanceFacts.scheduler)
            }
            if late.isEmpty || clock.uptime >= deadline { return late.map(\.facts.name) }
            try await clock.sleep(for: facts.lease / 12)
        }
    }

    // MARK: Mail

    /// Runs that are to be in the ledger as mail says before that is removed.
    private static func runs(of word: Mail.Word) -> Set<RunID> {
        switch word {
        case .told(let events): Set(events.map(\.attempt.run))
        case .cancel(let run, _): [run]
        default: []
        }
    }

    private func read(_ mail: [Mail], under term: Term) async {
        var done: [(number: Int64, runs: Set<RunID>)] = []
        for word in mail {
            switch word.word {
            case .changed(let jobs):
                guard let stored = try? await self.jobs(jobs) else { return }
                await hear(ofChanged: stored)
            case .opened(let runs):
                do { try await hear(ofOpened: runs) } catch { return }
            case .cancel(let id, let reason):
                // One that is not known here is never over for that: the ledger says.
                let known: Run?
                do { known = try await store.run(id) } catch { return }
                if let run = known, !run.state.isFinal {
                    if state.run(id) == nil {
                        do { try await takeUp([run]) } catch { return }
                    }
                    guard state.holds(run.jobID) else { continue }
                    await send(.cancel(id, reason: reason))
                }
            case .drain(let isOn):
                sharing.describe { $0.isLeaving = isOn || isStopping }
                mustDescribe = true
            case .forget(let runs): await forget(runs)
            case .read, .accept: word.word.map { _ = tellFeeds.yield($0) }
            case .told(let events):
                do { try await hear(ofOthers: events) } catch { return }
            case .end(let attempt):
                for outbox in outboxes where outbox.lane.dispatcher.isBound { outbox.put.yield(.cancel(attempt)) }
            // Another build has written it, and reads it.
            case nil: continue
            }
            done.append((word.number, word.word.map(Self.runs(of:)) ?? []))
        }
        if done.isEmpty { return }
        // What was told is the ledger's before the mail goes: whoever comes after this one finds one of them.
        if done.contains(where: { !$0.runs.isEmpty }) { await saveAll() }
        let kept = state.unsavedIDs
        let over = done.filter { $0.runs.isDisjoint(with: kept) }.map(\.number)
        if over.isEmpty { return }
        do {
            // Under the term it was read under: then the shard was this instance's, and what was done counts.
            try await store.done(over, under: term)
        } catch {
            refused(error, under: term)
        }
    }
}

extension Set<Shard> {
    /// Those that jobs stand in by their numbers.
    var shares: Set<Shard> { filter { $0.number < Shard.shares } }
}

/// Shards as they were read last.
struct Holdings: Sendable {
    var records: [ShardRecord] = []
    var holdings: Int64 = -1
    var crowd: [InstanceNumber] = []
}

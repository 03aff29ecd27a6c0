package import CarillonCore
import Logging
import Timetable

/// The loops: each a few lines around one step that tests call directly.
extension Engine {
    /// Plans and dispatches what is due; returns how long to sleep, in microseconds.
    package func tickOnce() async -> Int64 {
        plannedWake = .distantPast
        metrics.turned(at: clock.now)
        // In a burst two take turns: while the store writes what one has planned, the other plans.
        async let other: Void = tickWhileDue()
        await send(.tick)
        await tickWhileDue()
        await other
        plannedWake = state.nextWake ?? .distantFuture
        return min(max(plannedWake.microseconds - clock.now.microseconds, settings.breath), settings.slice)
    }

    private func tickWhileDue() async {
        while state.isDue(clock.now) { await send(.tick) }
    }

    /// Why nothing was scheduled in the gaps so far, the oldest first.
    package var gapReasons: [SkipReason] { state.gaps.map(\.reason) }

    /// Reads definitions before they are due.
    nonisolated func readAheadLoop() async {
        for await ids in dueSoon {
            // What is not there when its time comes is read then.
            let jobs = (try? await load(ids)) ?? []
            await send(.ahead(asked: ids, jobs))
        }
    }

    func tickLoop() async {
        // Nobody waits for one that has ended.
        defer { rest(until: .max) }
        while !Task.isCancelled {
            await endPausesInTime()
            let length = await tickOnce()
            let asleep = clock.uptime
            rest(until: asleep + length)
            await alarm.sleep(for: length, clock: clock)
            endRest()
            await noticeStall(after: clock.uptime - asleep - length)
        }
    }

    /// Notes a sleep that took this much longer than it was to, in microseconds: nothing was scheduled in that stretch.
    ///
    /// What ended meanwhile is told in the next moment, and heard before anything is planned on top of it.
    package func noticeStall(after excess: Int64) async {
        guard excess >= settings.stall, !Task.isCancelled else { return }
        logger.warning(
            "nothing was scheduled for a while: the machine or the daemon stood still",
            metadata: ["seconds": "\(Double(excess / 100_000) / 10)"])
        await send(.stalled(since: clock.now.adding(microseconds: -excess)))
        do { try await clock.sleep(for: settings.hearing) } catch { return }
    }

    func saveLoop() async {
        for await _ in saves {
            await saveAll()
            // What changes meanwhile is written together.
            do { try await clock.sleep(for: settings.breath) } catch { return }
        }
    }

    func haltLoop() async {
        for await _ in halts {
            do { try await haltAll() } catch { return }
        }
    }

    /// Hands a dispatcher its batches, cancels and acknowledgements, in order.
    nonisolated func deliver(_ outbox: Outbox, of lane: Int) async {
        let dispatcher = outbox.lane.dispatcher
        await withTaskGroup(of: Void.self) { group in
            for await item in outbox.items {
                switch item {
                case .dispatch(let batch, let life):
                    // What is not handed over the next one finds in the ledger.
                    let isHeld = await untilHeld(in: life)
                    let begun = isHeld ? await begin(batch, of: lane, in: life) : (mayGo: false, startBy: nil)
                    guard begun.mayGo else {
                        await tellUnstarted(batch, of: lane, in: life)
                        continue
                    }
                    let results = await outbox.lane.dispatch(batch, begun.startBy)
                    // The engine hears of one batch while the dispatcher has the next.
                    await group.next()
                    group.addTask { await self.hear(lane, batch, results, of: life) }
                case .cancel(let attempt): await dispatcher.cancel(attempt, grace: settings.grace)
                case .acknowledge(let attempts): await dispatcher.acknowledge(attempts)
                case .noted(let attempts): await dispatcher.noted(attempts)
                }
            }
        }
    }

    private nonisolated func hear(
        _ lane: Int, _ batch: [Outgoing], _ results: [DispatchResult], of life: Int
    ) async {
        metrics.answered(lane, results)
        if let notify = settings.notify {
            for (outgoing, result) in zip(batch, results) where result == .accepted {
                notify(.queued(outgoing.attempt, job: outgoing.definition.job.name, at: clock.now))
            }
        }
        await end(batch, results, of: lane, in: life)
        await send(.results(lane: lane, batch.map(\.attempt), results), of: life)
    }

    nonisolated func observe(_ dispatcher: any Dispatcher) async {
        for await events in dispatcher.events { await hear(events) }
    }

    /// Takes in what executors tell; of runs that are just being taken up, once they are known.
    private func hear(_ events: [DispatchEvent]) async {
        if adopting.isEmpty { return await send(.told(events)) }
        heldBack += events.filter { adopting.contains($0.attempt.run) }
        await send(.told(events.filter { !adopting.contains($0.attempt.run) }))
    }

    /// Looks after the zone database, and what is owed to the clock.
    func custodyLoop() async throws {
        var mustReplan = false
        while !Task.isCancelled {
            do { try await clock.sleep(for: settings.custody) } catch { return }
            await rewindIfOwed()
            await readCursorsIfOwed()
            if zones.refresh() {
                logger.notice("the time-zone database changed", metadata: ["version": "\(zones.version)"])
                // Others plan anew what they are given.
                sharing.describe { [zones] in $0.zones = zones.version }
                mustDescribe = true
                mustReplan = true
            }
            if mustReplan {
                do {
                    try await replan()
                    mustReplan = false
                } catch {
                    // Tried again next time; what is due meanwhile follows the rules it was planned by.
                    logger.error("planning anew failed", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Reads every definition once, a hundredth of the time: what this build cannot read is said, and healed by whoever owns it,
    /// before its time comes and not at it.
    nonisolated package func inspect() async {
        var last: String?
        while !Task.isCancelled {
            let begun = clock.uptime
            var rest = settings.breath
            do {
                let page = try await store.jobs(after: last, limit: 50)
                guard let end = page.last else { return }
                await note(faulty: page.map { lanes.definition(of: $0, zones: zones) }.filter { !$0.isReadable })
                last = end.job.name
            } catch is CancellationError {
                return
            } catch {
                rest = settings.slice
                _ = await note(error)
            }
            do { try await clock.sleep(for: max(99 * (clock.uptime - begun), rest)) } catch { return }
        }
    }

    /// Carries out retention, beside everything else: a ledger of millions takes a while.
    nonisolated func pruneLoop() async {
        // The first time soon: the last daemon may have left much.
        var wait = settings.pruneEvery / 6
        while !Task.isCancelled {
            do { try await clock.sleep(for: wait) } catch { return }
            let begun = clock.uptime
            await prune()
            // What came during a long pass is not left lying.
            wait = max(settings.pruneEvery - (clock.uptime - begun), settings.pruneEvery / 6)
        }
    }

    /// Lets the ledger forget what retention does not keep, and the logs with it, in bites that fit into the tick's sleep.
    nonisolated package func prune() async {
        do {
            guard await isCustodian else { return }
            var rows = Bite()
            let retention = await retention
            while !Task.isCancelled {
                let length = try await makeWay()
                let begun = clock.uptime
                let size = rows.size
                let gone = try await write { try await store.prune(retention, under: $0, now: clock.now, limit: size) }
                metrics.took(.prune, clock.uptime - begun)
                if gone.isEmpty { break }
                rows.adapt(to: clock.uptime - begun, of: gone.count, goal: length)
                await forget(gone)
            }
            // What was freed goes back to the disk, in bites as well.
            var pages = Bite()
            while !Task.isCancelled {
                let length = try await makeWay()
                let begun = clock.uptime
                let size = pages.size
                guard try await write({ try await store.shrink(under: $0, limit: size) }) else { break }
                pages.adapt(to: clock.uptime - begun, of: pages.size, goal: length)
            }
        } catch {
            // A stop in the middle of a pass is no failure.
            if Task.isCancelled { return }
            logger.error("retention failed", metadata: ["error": "\(error)"])
        }
    }

    /// Of a sleep of the tick, which is a breath at least, with a part for whoever comes later than it should.
    private nonisolated var biteLength: Int64 { settings.breath * 2 / 3 }

    /// Leaves a moment to those who record, and waits until nobody is about to open runs: what is written now delays none.
    ///
    /// Answers how long a bite may take: the more, the longer nobody is going to.
    private nonisolated func makeWay() async throws -> Int64 {
        try await clock.sleep(for: settings.breath / 3)
        let rest = await untilAtRest(for: biteLength)
        return min(max(rest / 4, biteLength), Self.longestBite)
    }

    /// Microseconds: whoever gives an order or records an end meanwhile waits no longer.
    private nonisolated static var longestBite: Int64 { 10_000 }

    /// Ends what runs, waits for it within the grace, and writes the last outcomes.
    func drain() async {
        isStopping = true
        if settings.shares { await handOver() }
        logger.notice("stopping", metadata: ["running": "\(state.outstanding.count)"])
        let running = state.outstandingBound
        await send(.shutdown(endRuns: settings.endRunsOnStop))
        if settings.shares, settings.endRunsOnStop { await endStrangers() }
        // The executors use force after the grace; their answer takes a moment more.
        let deadline = clock.uptime + settings.grace + 2_000_000
        while settings.endRunsOnStop, running > 0 && state.outstandingBound > 0 || hasStrangers, clock.uptime < deadline
        {
            do { try await clock.sleep(for: 20_000) } catch { break }
        }
        if settings.endRunsOnStop, state.outstandingBound > 0 {
            logger.warning(
                "programs are still ending; the next daemon takes them up",
                metadata: ["running": "\(state.outstandingBound)"])
        }
        await saveAll()
    }

    func finish() async {
        await saveAll()
        await passOn()
        for outbox in outboxes {
            outbox.put.finish()
            await outbox.lane.dispatcher.shutdown()
        }
        await leave()
        logger.notice("stopped")
    }
}

import CarillonTestSupport
import Testing
import Timetable

import class Foundation.ProcessInfo

/// Years of schedule with faults, from seeds: `CARILLON_FIRST_SEED` on, as many as `CARILLON_SEEDS` says.
@Suite struct SimulationTests {
    private static let zones = ZoneDatabase()
    private static let seeds = number("CARILLON_SEEDS") ?? usualSeeds
    #if DEBUG
        private static let usualSeeds: UInt64 = 5
    #else
        private static let usualSeeds: UInt64 = 200
    #endif
    private static let firstSeed = number("CARILLON_FIRST_SEED") ?? 1

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func everySeedKeepsThePromises() async throws {
        let totals = await live("simulation", years: 10, instances: 1)
        if Self.seeds >= 200 { #expect(totals.occurrences >= 1_000_000) }
    }

    /// Three that share the jobs, with clocks of their own, one year each.
    @Test func everySeedOfThreeKeepsThePromises() async throws {
        let totals = await live("simulation of three", years: 1, instances: 3)
        if Self.seeds >= 200 { #expect(totals.losses > 100 && totals.gives > 500) }
    }

    #if MongoDB
        /// The same on documents, where any operation may be interrupted and any may be the last one of its process: one year each
        /// of a twentieth of the seeds.
        @Test func everySeedOnDocumentsKeepsThePromises() async throws {
            let totals = await live("simulation on documents", years: 1, instances: 1, onDocuments: 20)
            if Self.seeds >= 200 { #expect(totals.interruptions > 200 && totals.deaths > 50) }
        }

        /// Three on documents, of which one that dies or stands still between two operations has its shards taken over.
        @Test func everySeedOfThreeOnDocumentsKeepsThePromises() async throws {
            let totals = await live("simulation of three on documents", years: 1, instances: 3, onDocuments: 50)
            if Self.seeds >= 200 { #expect(totals.interruptions > 150 && totals.deaths > 50 && totals.losses > 20) }
        }
    #endif

    /// Lives through all seeds, and tells what happened and what went wrong.
    ///
    /// On documents, which take longer, one seed of so many.
    private func live(
        _ title: String, years: Int, instances: Int, onDocuments share: UInt64? = nil
    ) async -> SimulationTotals {
        let clock = ContinuousClock()
        let start = clock.now
        let zones = Self.zones
        let (totals, failures) = await withTaskGroup(of: Result<SimulationTotals, SimulationFailure>.self) { group in
            let count = max(1, Self.seeds / (share ?? 1))
            var seeds = (Self.firstSeed..<Self.firstSeed + count).makeIterator()
            func add() {
                guard let seed = seeds.next() else { return }
                group.addTask {
                    do throws(SimulationFailure) {
                        return .success(
                            try World.run(
                                seed: seed, years: years, instances: instances, onDocuments: share != nil,
                                zones: zones))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { add() }
            var totals = SimulationTotals()
            var failures: [SimulationFailure] = []
            for await result in group {
                switch result {
                case .success(let more): totals.add(more)
                case .failure(let failure): failures.append(failure)
                }
                if failures.count < 5 { add() }
            }
            return (totals, failures)
        }
        print("\(title): \(totals), \(start.duration(to: clock.now))")
        for failure in failures.sorted(by: { $0.seed < $1.seed }) { Issue.record("\(failure)") }
        return totals
    }

    @Test func aSeedIsReproducible() throws {
        let once = try World.run(seed: 4711, years: 2, zones: Self.zones)
        #expect("\(once)" == "\(try World.run(seed: 4711, years: 2, zones: Self.zones))")
        let three = try World.run(seed: 4711, years: 1, instances: 3, zones: Self.zones)
        #expect("\(three)" == "\(try World.run(seed: 4711, years: 1, instances: 3, zones: Self.zones))")
        #expect(
            once.crashes > 0 && once.clockSteps > 0 && once.freezes > 0 && once.storeFaults > 0 && once.jobChanges > 0)
    }

    /// A promise broken on purpose is noticed within twenty seeds, and by the check that is meant for it.
    @Test(arguments: [
        (Sabotage.dispatchBeforeLedger, [Promise.ledgerFirst]),
        (.cursorNotAdvanced, [.ledgerFirst, .noSilentSkip]),
        (.noUniqueKey, [.oneRunPerOccurrence]),
        (.reusedRunID, [.oneRunPerOccurrence]),
        (.skipDropped, [.noSilentSkip]),
        (.falseReason, [.trueReason]),
        (.newestMissed, [.trueReason]),
        (.formerForgotten, [.noSilentSkip]),
        (.noGuard, [.startedOnce]),
        (.acknowledgeBeforeSave, [.acknowledgedTooEarly]),
        (.noRewind, [.liveness]),
        (.finalRewritten, [.finalStays]),
    ])
    func sabotageIsCaught(_ sabotage: Sabotage, by promises: [Promise]) throws {
        try expect(sabotage, by: promises, years: 10, instances: 1)
    }

    /// The same of three that share, within two hundred.
    @Test(arguments: [
        (Sabotage.noFence, [Promise.oneDriver]),
        (.planBeforeTake, [.overlap, .trueReason, .liveness]),
        (.unknownAcknowledged, [.acknowledgedTooEarly, .startedOnce]),
        (.mailUnread, [.liveness]),
        (.markWithoutReport, [.liveness]),
        (.toldAcknowledged, [.acknowledgedTooEarly, .liveness]),
        (.startedLate, [.startedOnce, .overlap]),
    ])
    func sabotageOfSharingIsCaught(_ sabotage: Sabotage, by promises: [Promise]) throws {
        try expect(sabotage, by: promises, years: 1, instances: 3)
    }

    #if MongoDB
        /// A rule of documents that is not kept is noticed within thirty seeds; the first ones find nothing of some.
        @Test(arguments: [
            (Sabotage.openingsUnseen, [Promise.liveness], 1, 1),
            (.openingUnsaid, [.noSilentSkip], 1, 1),
            (.openingOverwritten, [.noSilentSkip, .liveness], 1, 3),
            (.changeDropsOpening, [.noSilentSkip, .liveness], 1, 12),
            (.recordsWithoutEpoch, [.oneDriver], 3, 2),
            (.decisionUnconditional, [.notScheduled, .noSilentSkip, .ledgerFirst], 3, 5),
        ])
        func sabotageOfDocumentsIsCaught(
            _ sabotage: Sabotage, by promises: [Promise], instances: Int, from first: Int
        ) throws {
            try expect(
                sabotage, by: promises, years: 1, instances: instances, in: first..<first + 30, onDocuments: true)
        }

        @Test func aSeedOnDocumentsIsReproducible() throws {
            func live() throws -> String {
                "\(try World.run(seed: 4711, years: 1, instances: 3, onDocuments: true, zones: Self.zones))"
            }
            #expect(try live() == live())
        }
    #endif

    private func expect(
        _ sabotage: Sabotage, by promises: [Promise], years: Int, instances: Int, in seeds: Range<Int>? = nil,
        onDocuments: Bool = false
    ) throws {
        var caught: SimulationFailure?
        for seed in seeds ?? 1..<(instances == 1 ? 21 : 201) where caught == nil {
            do throws(SimulationFailure) {
                _ = try World.run(
                    seed: UInt64(seed), years: years, instances: instances, onDocuments: onDocuments,
                    sabotage: sabotage, zones: Self.zones)
            } catch {
                caught = error
            }
        }
        let failure = try #require(caught, "\(sabotage) was not noticed")
        print("sabotage: \(sabotage) is caught in seed \(failure.seed), step \(failure.step), by \(failure.promise)")
        #expect(promises.contains(failure.promise), "\(failure)")
        #expect(!failure.trace.isEmpty)
    }
}

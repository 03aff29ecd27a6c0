public import CarillonCore
import Timetable

/// What every store must do; each check gets an empty store of its own.
public enum StoreConformance {
    public static let checks: [Check<any JobStore>] = jobs + ledger + reading

    /// An empty store with one instance and one job in it.
    struct Bench: Sendable {
        let store: any JobStore
        let term: Term
        let job: StoredJob
        let id: UInt64
        let start = Samples.noon

        init(_ store: any JobStore, job: Job = Samples.job("tick")) async throws {
            self.store = store
            term = try await store.join("a")
            id = try await store.storeID()
            self.job = try await Self.put(job, in: store, term)
        }

        static func put(
            _ job: Job, in store: any JobStore, _ term: Term, cursor: Timestamp = Samples.noon
        ) async throws -> StoredJob {
            try await store.put(job, cursor: cursor, nextDue: cursor.plus(60), under: term)
        }

        func fresh() async throws -> StoredJob {
            guard let job = try await store.jobs(ids: [job.id]).first else {
                throw ConformanceFailure(description: "the job is gone")
            }
            return job
        }

        func advance(
            from: Timestamp? = nil, to: Timestamp, revision: Int64? = nil, runs: [Run] = [], skips: [Skip] = []
        ) -> JobAdvance {
            JobAdvance(
                id: job.id, revision: revision ?? job.revision, from: from ?? start, to: to, nextDue: to.plus(60),
                runs: runs, skips: skips)
        }

        func run(_ time: Timestamp) -> Run { Samples.run(job, at: time, store: id, under: term) }

        /// Makes runs at these times, in the ledger and ended.
        func ended(_ times: [Timestamp]) async throws -> [Run] {
            var runs = times.map(run)
            _ = try await store.openRuns(
                [advance(to: times.max() ?? start, runs: runs)], under: term, now: start)
            for index in runs.indices {
                runs[index].state = .completed
                runs[index].endedAt = runs[index].scheduledAt
            }
            try await store.record(runs, under: term, now: start)
            return runs
        }

        /// Prunes everything that retention lets go of, in as many bites as it takes.
        func pruned(_ retention: Retention, now: Timestamp, limit: Int = 1_000) async throws -> [RunID] {
            var gone: [RunID] = []
            while true {
                let bite = try await store.prune(retention, under: term, now: now, limit: limit)
                if bite.isEmpty { return gone }
                try require(bite.count <= limit, "a bite of \(bite.count), more than \(limit)")
                gone += bite.map(\.id)
            }
        }
    }
}

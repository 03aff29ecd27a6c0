#if Postgres
    public import CarillonCore
    import PostgresClient
    import StoreCodec
    import Synchronization
    public import Timetable

    /// Retention: what is to go is looked for beside those who write, and removed in bites.
    extension PostgresStore {
        public func prune(
            _ retention: Retention, under term: Term, now: Timestamp, limit: Int
        ) async throws -> [GoneRun] {
            guard limit > 0 else { return [] }
            var pass: PruningPass
            if let known = pruning.withLock({ $0 }), known.retention == retention {
                pass = known
            } else {
                pass = PruningPass(retention, now: now)
            }
            do {
                while !pass.isDone {
                    if pass.found.isEmpty {
                        pass = try await look(pass)
                        continue
                    }
                    let victims = Array(pass.found.prefix(limit))
                    pass.found.removeFirst(victims.count)
                    let gone = try await remove(victims, term)
                    if !gone.isEmpty {
                        pruning.withLock { [pass] in $0 = pass }
                        return gone
                    }
                }
            } catch {
                pruning.withLock { $0 = nil }
                throw error
            }
            pruning.withLock { $0 = nil }
            try await pruneSkips(retention, oldest: pass.oldest, term, limit: limit)
            try await forgetJobs(oldest: pass.oldest, term, limit: limit)
            try await repeatedly(
                term,
                """
                DELETE FROM mail WHERE number IN (
                    SELECT number FROM mail WHERE machine IS NOT NULL AND posted_at < now() - interval '30 days' LIMIT $1)
                """, [.integer(Int64(limit))])
            return []
        }

        /// Removes what was found, and answers it; a run may have changed since then, and only one that has ended goes.
        private func remove(_ victims: [RunID], _ term: Term) async throws -> [GoneRun] {
            var ids = PostgresArray(of: .bytea)
            for victim in victims.sorted() { withUnsafeBytes(of: victim.words) { ids.append($0) } }
            let values = [PostgresValue(ids)]
            return try await write(under: term) { transaction in
                // What is lost with the machine's power is removed again.
                _ = try transaction.all("SELECT set_config('synchronous_commit', 'off', true)") { _ in true }
                return try transaction.all(
                    """
                    DELETE FROM runs USING jobs WHERE runs.id = ANY($1::bytea[]) AND runs.state >= 3 AND jobs.id = runs.job_id
                    RETURNING runs.id, jobs.name, runs.machine
                    """, values
                ) { row in
                    let (job, machine) = (try row.text(1) ?? "", try row.text(2))
                    return try row.runID(0).map { GoneRun(id: $0, job: job, machine: machine) }
                }.compactMap { $0 }
            }
        }

        /// Looks for more; goes on to the next stage when this one has no more.
        private func look(_ before: PruningPass) async throws -> PruningPass {
            var pass = before
            switch before.stage {
            case .old(let last):
                // Nothing that an id can say is older than 1970, and everything is older than 2106.
                guard pass.oldest.seconds >= 0 else {
                    pass.stage = .outside
                    return pass
                }
                let (seconds, most) = (pass.oldest.seconds, Int64(UInt32.max))
                let end = RunID(second: UInt32(clamping: seconds), hash: seconds > most ? .max : 0)
                let found = try await rows(
                    """
                    SELECT id, state >= 3 AND coalesce(ended_at, scheduled_at) < $1 AND scheduled_at < $1
                    FROM runs WHERE id > $2 AND id < $3 ORDER BY id LIMIT $4
                    """,
                    [
                        .init(pass.oldest), .init(last ?? RunID(second: 0, hash: 0)), .init(end),
                        .integer(Int64(PruningPass.most)),
                    ]
                ) { (try $0.runID(0), try $0.bool(1) ?? false) }
                pass.found = found.compactMap { $0.1 ? $0.0 : nil }
                pass.stage = found.last.flatMap { $0.0 }.map { .old(after: $0) } ?? .outside
            case .outside:
                pass.found = try await rows(
                    """
                    SELECT id FROM runs WHERE \(RowCodec.outside) AND state >= 3
                    AND coalesce(ended_at, scheduled_at) < $1 AND scheduled_at < $1
                    """, [.init(pass.oldest)]
                ) { try $0.runID(0) }.compactMap { $0 }
                pass.stage = .count
            case .count:
                let crowded = try await rows(
                    "SELECT job_id FROM runs GROUP BY job_id HAVING count(*) > $1",
                    [.integer(Int64(pass.retention.perJob))]
                ) { try $0.integer(0) ?? 0 }
                pass.stage = .jobs(crowded[...])
            case .jobs(let rest):
                let now = rest.prefix(PruningPass.jobsAtOnce)
                if now.isEmpty {
                    pass.stage = .done
                    return pass
                }
                // What is active counts for nothing, whatever runs among them.
                pass.found = try await rows(
                    """
                    SELECT id FROM (
                        SELECT id, row_number() OVER (PARTITION BY job_id ORDER BY scheduled_at DESC, id DESC) AS place
                        FROM runs WHERE job_id = ANY($1::integer[]) AND state >= 3) AS ended
                    WHERE place > $2
                    """,
                    [
                        PostgresValue(now.map { JobID(Int32(truncatingIfNeeded: $0)) }),
                        .integer(Int64(pass.retention.perJob)),
                    ]
                ) { try $0.runID(0) }.compactMap { $0 }
                pass.stage = .jobs(rest.dropFirst(now.count))
            case .done: break
            }
            return pass
        }

        /// Skips that are too old, and of each job those past the number that is kept.
        private func pruneSkips(_ retention: Retention, oldest: Timestamp, _ term: Term, limit: Int) async throws {
            let most = PostgresValue.integer(Int64(limit))
            try await repeatedly(
                term, "DELETE FROM skips WHERE id IN (SELECT id FROM skips WHERE through < $1 LIMIT $2)",
                [.init(oldest), most])
            try await repeatedly(
                term,
                """
                DELETE FROM skips WHERE id IN (
                    SELECT id FROM (
                        SELECT id, row_number() OVER (PARTITION BY job_id ORDER BY through DESC) AS place FROM skips
                        WHERE job_id IN (SELECT job_id FROM skips GROUP BY job_id HAVING count(*) > $1)) AS all_of_job
                    WHERE place > $1 LIMIT $2)
                """, [.integer(Int64(retention.perJob)), most])
        }

        /// Forgets a job that is gone with the last of its history; its number is never drawn again. What an order laid on
        /// it is remembered as long as history is: a file that returns finds its job off. So are schedules forgotten that
        /// no skip is counted with any more.
        private func forgetJobs(oldest: Timestamp, _ term: Term, limit: Int) async throws {
            try await repeatedly(
                term,
                """
                WITH gone AS (
                    DELETE FROM jobs WHERE removed AND id IN (
                        SELECT id FROM jobs JOIN cursors ON cursors.job_id = jobs.id WHERE removed AND NOT is_changing
                        AND (standing IS NULL OR standing NOT LIKE '%"off"%' OR cursor < $1)
                        AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.job_id = jobs.id)
                        AND NOT EXISTS (SELECT 1 FROM skips WHERE skips.job_id = jobs.id) LIMIT $2
                        FOR UPDATE OF jobs, cursors SKIP LOCKED)
                    RETURNING id)
                DELETE FROM cursors WHERE job_id IN (SELECT id FROM gone)
                """, [.init(oldest), .integer(Int64(limit))])
            try await repeatedly(
                term,
                """
                DELETE FROM revisions WHERE (job_id, revision) IN (
                    SELECT job_id, revision FROM revisions WHERE NOT EXISTS (
                        SELECT 1 FROM skips WHERE skips.job_id = revisions.job_id AND skips.revision <= revisions.revision)
                    AND NOT EXISTS (SELECT 1 FROM changing WHERE changing.job_id = revisions.job_id) LIMIT $1)
                """, [.integer(Int64(limit))])
        }

        /// Carries a statement out in bites, until it finds nothing.
        private func repeatedly(_ term: Term, _ sql: String, _ values: [PostgresValue]) async throws {
            while try await write(under: term, { try $0.execute(sql, values) }) > 0 {}
        }

        /// The server gives room that was freed to new rows, and to its disk as its autovacuum sees fit.
        public func shrink(under term: Term, limit: Int) async throws -> Bool { false }
    }

    /// One pass of retention through the ledger: what is too old, then what is past the number that each job keeps.
    struct PruningPass: Sendable {
        enum Stage: Sendable {
            /// Ids begin with the scheduled second; this one was the last that was looked at.
            case old(after: RunID?)
            /// Scheduled before 1970 or after 2106, where ids say nothing.
            case outside
            case count
            /// Jobs with more runs than are kept.
            case jobs(ArraySlice<Int64>)
            case done
        }

        /// Rows of one look.
        static let most = 5_000
        static let jobsAtOnce = 25

        let retention: Retention
        /// Runs that ended before this are too old.
        let oldest: Timestamp
        /// Runs that are to go and have not gone yet.
        var found: [RunID] = []
        var stage = Stage.old(after: nil)

        init(_ retention: Retention, now: Timestamp) {
            self.retention = retention
            oldest = now.adding(microseconds: -retention.age)
        }

        var isDone: Bool {
            if case .done = stage { return found.isEmpty }
            return false
        }
    }
#endif

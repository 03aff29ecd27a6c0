#if Postgres
    public import CarillonCore
    import PostgresClient
    import StoreCodec
    public import Timetable

    extension PostgresStore {
        /// A term that is in force: read, and held until the statement is over.
        ///
        /// Counted, so that it is read to its end before the first row is written. Whoever ends the term meanwhile waits; who
        /// waited for one that ended it finds no row (READ COMMITTED looks at the row anew).
        private static let fence = """
            WITH fence AS MATERIALIZED (
                SELECT 1 FROM terms WHERE instance = $1 AND term = $2 AND nonce = $3 FOR SHARE)
            """
        private static let isFenced = "(SELECT count(*) FROM fence) = 1"

        // MARK: Opening

        private static let advances = PostgresColumns.Shape([
            "job_id": .integer, "revision": .bigint, "since": .bigint, "upto": .bigint, "next_due": .bigint,
            "runs": .bigint, "takes_up": .boolean,
        ])

        private static let newRuns = PostgresColumns.Shape([
            "id": .bytea, "job_id": .integer, "revision": .bigint, "trigger": .text, "scheduled_at": .bigint,
            "manual": .bigint, "not_before": .bigint, "created_at": .bigint, "instance": .text, "reason": .text,
            "cause": .text, "arguments": .text,
        ])

        private static let newSkips = PostgresColumns.Shape([
            "job_id": .integer, "revision": .bigint, "after": .bigint, "through": .bigint, "reason": .text,
            "detail": .text, "recorded_at": .bigint,
        ])

        /// The cursors that go on. One that is changing goes on only with who takes that up, in a statement after this one.
        private static func moved(from first: Int) -> String {
            """
            UPDATE cursors SET cursor = p.upto, next_due = p.next_due, opened = cursors.opened + p.runs
            FROM \(advances.rows("p", from: first))
            WHERE \(isFenced) AND cursors.job_id = p.job_id AND cursors.revision = p.revision
            AND cursors.cursor = p.since AND cursors.is_changing = p.takes_up
            RETURNING cursors.job_id
            """
        }

        private static func insertion(_ source: String, term: Int = 2) -> String {
            let names = newRuns.columns.map { "r." + $0.name }.joined(separator: ", ")
            return
                "INSERT INTO runs (\(newRuns.names), state, attempt, term) SELECT \(names), 0, 1, $\(term)::bigint FROM \(source)"
        }

        /// The jobs that are asked for and were not moved, as an array; empty mostly, and then nothing is compared.
        private static let refused = """
            CASE WHEN (SELECT count(*) FROM moved) = cardinality($4::integer[]) THEN '{}'
            ELSE ARRAY(SELECT unnest($4::integer[]) EXCEPT SELECT job_id FROM moved)::text END
            """

        private static let opening = """
            \(fence), moved AS (\(moved(from: 4))),
            put AS (\(insertion("\(newRuns.rows("r", from: 11)) JOIN moved ON moved.job_id = r.job_id")))
            SELECT (SELECT count(*) FROM fence), \(refused)
            """

        /// The same with skips. One that goes on where the last one of its kind ended is the same record, longer.
        private static let openingWithSkips = """
            \(fence), moved AS (\(moved(from: 4))),
            put AS (\(insertion("\(newRuns.rows("r", from: 11)) JOIN moved ON moved.job_id = r.job_id"))),
            new AS MATERIALIZED (SELECT k.* FROM \(newSkips.rows("k", from: 23)) JOIN moved ON moved.job_id = k.job_id),
            longer AS (
                UPDATE skips SET through = new.through FROM new
                WHERE skips.job_id = new.job_id AND skips.through = new.after AND skips.reason = new.reason
                AND skips.revision = new.revision AND skips.detail IS NOT DISTINCT FROM new.detail
                RETURNING new.job_id, new.after, new.reason
            ),
            noted AS (
                INSERT INTO skips (\(newSkips.names)) SELECT * FROM new WHERE NOT EXISTS (
                    SELECT 1 FROM longer
                    WHERE longer.job_id = new.job_id AND longer.after = new.after AND longer.reason = new.reason)
            )
            SELECT (SELECT count(*) FROM fence), \(refused)
            """

        /// The same where changes of definitions are taken up. Of those the two halves go together: the statement's rows are seen
        /// by the next one of its transaction.
        private static let takingUp = """
            WITH up AS (
                UPDATE cursors SET is_changing = false, opened = CASE WHEN t.anew THEN 0 ELSE cursors.opened END
                FROM unnest($1::integer[], $2::boolean[]) AS t (job_id, anew) WHERE cursors.job_id = t.job_id
                RETURNING cursors.job_id
            )
            DELETE FROM changing USING up WHERE changing.job_id = up.job_id
            """

        /// Has the cursors of these jobs follow the present definitions.
        private static func takeUp(_ parts: [JobAdvance], _ transaction: PostgresTransaction) throws {
            var ids = PostgresArray(of: .integer)
            var anew = PostgresArray(of: .boolean)
            for part in parts where part.takesUp {
                ids.append(Int64(part.id.number))
                anew.append(part.countsAnew ? 1 : 0)
            }
            try transaction.execute(takingUp, [PostgresValue(ids), PostgresValue(anew)])
        }

        public func openRuns(_ batch: [JobAdvance], under term: Term, now: Timestamp) async throws -> Opened {
            if batch.isEmpty { return Opened() }
            // A statement sees nothing of what it does itself: a job's second part must come after it.
            var seen: Set<JobID> = []
            if let place = batch.firstIndex(where: { !seen.insert($0.id).inserted }) {
                let first = try await openRuns(Array(batch[..<place]), under: term, now: now)
                let second = try await openRuns(Array(batch[place...]), under: term, now: now)
                return Opened(new: first.new + second.new, refused: first.refused.union(second.refused))
            }
            if batch.contains(where: { $0.moves != nil }) {
                // Each by itself: whether anything of it goes on is asked under its lock.
                var opened = try await openRuns(batch.filter { $0.moves == nil }, under: term, now: now)
                let moving = batch.filter { $0.moves != nil }.sorted { $0.id < $1.id }
                // A label is made beforehand, and the others' writes go on between: nobody waits for thousands of moves.
                for label in Set(moving.compactMap { $0.moves?.label }) { _ = try await shard(labelled: label) }
                for start in stride(from: 0, to: moving.count, by: Self.mostMoves) {
                    let some = Array(moving[start..<min(start + Self.mostMoves, moving.count)])
                    let moved = try await openOneByOne(some, term)
                    opened.new += moved.new
                    opened.refused.formUnion(moved.refused)
                }
                return opened
            }
            // In one order, whoever writes: two that meet wait for each other less often.
            let parts = batch.sorted { $0.id < $1.id }
            do {
                return try await open(parts, term)
            } catch let error as PostgresError where error.isClash {
                // An occurrence that is there already, after a clock went back, or an id that another run has.
                return try await openOneByOne(parts, term)
            } catch let error as PostgresError where error.isTooLong && batch.count > 1 {
                // A server that is at its limit gets less at a time.
                let half = parts.count / 2
                let first = try await openRuns(Array(parts[..<half]), under: term, now: now)
                let second = try await openRuns(Array(parts[half...]), under: term, now: now)
                return Opened(new: first.new + second.new, refused: first.refused.union(second.refused))
            } catch {
                throw StoreError(postgres: error)
            }
        }

        /// Writes everything in one statement, or nothing. Throws `PostgresError` and `StoreError`.
        private func open(_ parts: [JobAdvance], _ term: Term) async throws -> Opened {
            var advances = PostgresColumns(Self.advances)
            var runs = PostgresColumns(Self.newRuns)
            var skips = PostgresColumns(Self.newSkips)
            for part in parts {
                advances.bind(part)
                for run in part.runs { try runs.bind(new: run) }
                for skip in Self.joined(part.skips) { skips.bind(skip) }
            }
            let values = Self.values(term) + advances.values + runs.values
            let (sql, all) =
                skips.count == 0 ? (Self.opening, values) : (Self.openingWithSkips, values + skips.values)
            let refused = try await repeating {
                guard parts.contains(where: \.takesUp) else {
                    let answer = try await self.writer.query(sql, all, Self.opened).first
                    guard let answer, answer.isHeld else { throw StoreError.lost(term) }
                    return answer.refused
                }
                return try await self.writer.transaction { transaction in
                    let answer = try transaction.first(sql, all, Self.opened)
                    guard let answer, answer.isHeld else { throw StoreError.lost(term) }
                    try Self.takeUp(parts.filter { !answer.refused.contains($0.id) }, transaction)
                    return answer.refused
                }
            }
            let new = parts.filter { !refused.contains($0.id) }.flatMap(\.runs)
            return Opened(new: new, refused: refused)
        }

        /// Reads what `opening` answers.
        private static func opened(_ row: borrowing PostgresRow) throws -> (isHeld: Bool, refused: Set<JobID>) {
            (try row.integer(0) == 1, jobs(in: try row.text(1) ?? "{}"))
        }

        /// Carries a statement out again when others' locks made it fail.
        private func repeating<Value>(_ body: () async throws -> Value) async throws -> Value {
            var left = 3
            while true {
                do {
                    return try await body()
                } catch let error as PostgresError where error.isRepeatable && left > 0 {
                    left -= 1
                }
            }
        }

        /// Reads `{1,2}`.
        private static func jobs(in text: String) -> Set<JobID> {
            Set(text.dropFirst().dropLast().split(separator: ",").compactMap { Int32($0).map { JobID($0) } })
        }

        /// Makes one of skips that follow each other.
        private static func joined(_ skips: [Skip]) -> [Skip] {
            var all: [Skip] = []
            for skip in skips {
                if let last = all.last, last.through == skip.after, last.reason == skip.reason,
                    last.revision == skip.revision, last.detail == skip.detail
                {
                    all[all.count - 1].through = skip.through
                } else {
                    all.append(skip)
                }
            }
            return all
        }

        /// Writes job by job and run by run, in one transaction: what is there already is left as it is, and counted as opened
        /// before; an id that is taken is drawn again.
        private func openOneByOne(_ parts: [JobAdvance], _ term: Term) async throws -> Opened {
            let store = try await storeID()
            let move = "\(Self.fence) \(Self.moved(from: 4))"
            return try await write(under: term) { transaction in
                var opened = Opened()
                for part in parts {
                    var advance = PostgresColumns(Self.advances)
                    advance.bind(part)
                    if part.moves != nil, try Self.isActive(part.id, transaction) {
                        opened.refused.insert(part.id)
                        continue
                    }
                    guard try transaction.first(move, Self.values(term) + advance.values, { _ in true }) == true else {
                        opened.refused.insert(part.id)
                        continue
                    }
                    var known: Int64 = 0
                    for run in part.runs {
                        if let written = try Self.insert(run, store: store, term, transaction) {
                            opened.new.append(written)
                        } else {
                            known += 1
                        }
                    }
                    if known > 0 {
                        try transaction.execute(
                            "UPDATE cursors SET opened = opened - $1 WHERE job_id = $2",
                            [.integer(known), .integer(Int64(part.id.number))])
                    }
                    for skip in part.skips { try Self.insert(skip, transaction) }
                    if part.takesUp { try Self.takeUp([part], transaction) }
                    if let place = part.moves {
                        try Self.move(part.id, to: place, with: opened.new.filter { $0.jobID == part.id }, transaction)
                    }
                }
                return opened
            }
        }

        /// Jobs that move in one transaction.
        private static let mostMoves = 100

        /// Whether any run of a job goes on. Nobody opens another one before the transaction is over.
        private static func isActive(_ job: JobID, _ transaction: PostgresTransaction) throws -> Bool {
            let id = PostgresValue.integer(Int64(job.number))
            try transaction.execute("SELECT 1 FROM cursors WHERE job_id = $1 FOR UPDATE", [id])
            return try transaction.first("SELECT 1 FROM runs WHERE job_id = $1 AND state < 3 LIMIT 1", [id]) { _ in true
            }
                ?? false
        }

        private static func move(
            _ job: JobID, to place: Place, with opened: [Run], _ transaction: PostgresTransaction
        ) throws {
            let shard = try place.label.map { try self.shard(labelled: $0, transaction) }
            try transaction.execute(
                "UPDATE cursors SET pinned = $2, revision = revision + 1 WHERE job_id = $1",
                [.integer(Int64(job.number)), shard.map { .integer(Int64($0.number)) } ?? .null])
            try tell(
                Mail.opened(opened) + [Mail(to: .job(job), .changed([job]))], but: nil, transaction)
        }

        /// Writes a run, under another id when its own is taken; nil when its occurrence is there already.
        private static func insert(
            _ asked: Run, store: UInt64, _ term: Term, _ transaction: PostgresTransaction
        ) throws -> Run? {
            let sql = insertion(newRuns.rows("r", from: 2), term: 1) + " ON CONFLICT DO NOTHING"
            var run = asked
            var salt: UInt64 = 0
            while true {
                var row = PostgresColumns(newRuns)
                try row.bind(new: run)
                if try transaction.execute(sql, [.integer(term.count)] + row.values) == 1 { return run }
                guard run.occurrence != nil else {
                    if try isAskedFor(run, transaction) { return nil }
                    run.id.hash &+= 1
                    continue
                }
                let isThere = try transaction.first(
                    "SELECT 1 FROM runs WHERE job_id = $1 AND scheduled_at = $2 AND manual = 0",
                    [.integer(Int64(run.jobID.number)), .init(run.scheduledAt)]
                ) { _ in true }
                if isThere == true { return nil }
                salt += 1
                run.id = RunID(store: store, job: run.job, scheduledAt: run.scheduledAt, salt: salt)
            }
        }

        static func insert(_ skip: Skip, _ transaction: PostgresTransaction) throws {
            let longer = try transaction.execute(
                """
                UPDATE skips SET through = $1 WHERE job_id = $2 AND through = $3 AND reason = $4 AND revision = $5
                AND detail IS NOT DISTINCT FROM $6
                """,
                [
                    .init(skip.through), .integer(Int64(skip.jobID.number)), .init(skip.after),
                    .text(skip.reason.rawValue),
                    .integer(skip.revision), .init(storable: skip.detail),
                ])
            if longer > 0 { return }
            var row = PostgresColumns(newSkips)
            row.bind(skip)
            try transaction.execute(
                "INSERT INTO skips (\(newSkips.names)) SELECT * FROM \(newSkips.rows("k", from: 1))", row.values)
        }

        public func openOrdered(_ runs: [Run], under term: Term, now: Timestamp) async throws -> [Run?] {
            let store = try await storeID()
            let jobs = PostgresValue(Set(runs.map(\.jobID)).sorted())
            return try await write(under: term) { transaction in
                // None of them goes elsewhere meanwhile.
                try transaction.execute(
                    "SELECT 1 FROM cursors WHERE job_id = ANY($1::integer[]) ORDER BY job_id FOR SHARE", [jobs])
                let opened = try runs.map { run in
                    try Self.isLast(run, transaction) ? try Self.insert(run, store: store, term, transaction) : nil
                }
                try Self.tell(Mail.opened(opened.compactMap { $0 }), but: term, transaction)
                return opened
            }
        }

        /// Whether a run that was asked for under a key is there already.
        private static func isAskedFor(_ run: Run, _ transaction: PostgresTransaction) throws -> Bool {
            guard let cause = run.cause, case .asked = cause else { return false }
            return try transaction.first(
                "SELECT 1 FROM runs WHERE job_id = $1 AND cause = $2 AND \(RowCodec.askedFor)",
                [.integer(Int64(run.jobID.number)), .text(cause.text)]
            ) { _ in true } ?? false
        }

        /// Whether what a run of a backfill repeats is the last of its time, and nothing of that time goes on.
        private static func isLast(_ run: Run, _ transaction: PostgresTransaction) throws -> Bool {
            guard run.trigger == .backfill, case .repeats(let old) = run.cause else { return true }
            let rows = try transaction.all(
                """
                SELECT id, state FROM runs WHERE job_id = $1 AND scheduled_at = $2 ORDER BY created_at DESC, id DESC
                """, [.integer(Int64(run.jobID.number)), .init(run.scheduledAt)]
            ) { (try $0.runID(0), try $0.integer(1) ?? 0) }
            return rows.first.map { $0.0 == old } ?? false && rows.allSatisfy { $0.1 >= 3 }
        }

        // MARK: Recording

        private static let changes = PostgresColumns.Shape([
            "id": .bytea, "not_before": .bigint, "state": .smallint, "attempt": .integer, "dispatched_at": .bigint,
            "started_at": .bigint, "ended_at": .bigint, "heartbeat_at": .bigint, "instance": .text, "process": .text,
            "exit_code": .integer, "signal": .integer, "error": .text, "output_tail": .text, "reason": .text,
            "earlier": .text, "held_since": .bigint, "held_until": .bigint, "held_why": .text, "machine": .text,
            // For the counts: which one of the batch it is, the hour it ended in, how long it took, whether it failed.
            "place": .integer, "hour": .bigint, "took": .bigint, "has_failed": .boolean,
        ])

        private static let changed: String = {
            let set = changes.columns.dropFirst().prefix(19).map { "\($0.name) = p.\($0.name)" }.joined(separator: ", ")
            return """
                changed AS (
                    UPDATE runs SET \(set) FROM \(changes.rows("p", from: 4))
                    WHERE \(isFenced) AND runs.id = p.id AND runs.state < 3
                    RETURNING runs.id, runs.job_id, p.state, p.place, p.hour, p.took, p.has_failed
                )
                """
        }()

        /// What was not written, as one text of ids; empty mostly, and then nothing is compared.
        private static let unwritten = """
            CASE WHEN (SELECT count(*) FROM changed) = cardinality($4::bytea[]) THEN ''
            ELSE coalesce((SELECT string_agg(encode(id, 'hex'), ' ') FROM (
                SELECT unnest($4::bytea[]) AS id EXCEPT SELECT id FROM changed) AS missing), '') END
            """

        private static let recording = """
            \(fence), \(changed) SELECT (SELECT count(*) FROM fence), \(unwritten)
            """

        private static let recordingEnds = """
            \(fence), \(changed),
            ended AS MATERIALIZED (SELECT * FROM changed WHERE state >= 3),
            counted AS (
                INSERT INTO hours (hour, state, runs, took)
                SELECT hour, state, count(*), sum(took)::bigint FROM ended GROUP BY hour, state ORDER BY hour, state
                ON CONFLICT (hour, state) DO UPDATE SET runs = hours.runs + excluded.runs, took = hours.took + excluded.took
            ),
            -- In one pass: a join of the batch with itself may be carried out row by row.
            placed AS MATERIALIZED (
                SELECT job_id, has_failed, place,
                    max(place) FILTER (WHERE state = \(RunState.completed.number)) OVER (PARTITION BY job_id) AS done
                FROM ended
            ),
            streaks AS MATERIALIZED (
                SELECT job_id, coalesce(max(done), -1) AS done,
                    count(*) FILTER (WHERE has_failed AND place > coalesce(done, -1)) AS failures
                FROM placed GROUP BY job_id
            ),
            rated AS (
                UPDATE cursors SET streak = CASE WHEN streaks.done < 0 THEN cursors.streak ELSE 0 END + streaks.failures
                FROM streaks WHERE cursors.job_id = streaks.job_id
                AND (streaks.failures > 0 OR streaks.done >= 0 AND cursors.streak > 0)
            )
            SELECT (SELECT count(*) FROM fence), \(unwritten)
            """

        @discardableResult
        public func record(_ runs: [Run], under term: Term, now: Timestamp) async throws -> Set<RunID> {
            // Of two changes of one run in a batch the second must find the first: a statement sees none of its own.
            var seen: Set<RunID> = []
            if let place = runs.firstIndex(where: { !seen.insert($0.id).inserted }) {
                let first = try await record(Array(runs[..<place]), under: term, now: now)
                return first.union(try await record(Array(runs[place...]), under: term, now: now))
            }
            do {
                return try await record(runs, term)
            } catch let error as PostgresError where error.isTooLong && runs.count > 1 {
                let half = runs.count / 2
                let first = try await record(Array(runs[..<half]), under: term, now: now)
                return first.union(try await record(Array(runs[half...]), under: term, now: now))
            } catch {
                throw StoreError(postgres: error)
            }
        }

        /// In one statement. Throws `PostgresError` and `StoreError`.
        private func record(_ runs: [Run], _ term: Term) async throws -> Set<RunID> {
            var rows = PostgresColumns(Self.changes)
            for (place, run) in runs.enumerated().sorted(by: { $0.element.id < $1.element.id }) {
                try rows.bind(changed: run, place: place)
            }
            let sql = runs.contains(where: \.state.isFinal) ? Self.recordingEnds : Self.recording
            let values = Self.values(term) + rows.values
            let answer = try await repeating {
                try await self.writer.query(sql, values) { (try $0.integer(0) ?? 0, try $0.text(1) ?? "") }
            }.first
            guard let answer, answer.0 == 1 else { throw StoreError.lost(term) }
            return Set(answer.1.split(separator: " ").compactMap { RunID(String($0)) })
        }
    }

    extension PostgresColumns {
        fileprivate mutating func bind(_ part: JobAdvance) {
            bind(part.id.number)
            bind(part.revision)
            bind(part.from)
            bind(part.to)
            bind(part.nextDue)
            bind(Int64(part.runs.count))
            bind(part.takesUp)
            end()
        }

        fileprivate mutating func bind(new run: Run) throws {
            bind(run.id)
            bind(run.jobID.number)
            bind(run.revision)
            bind(run.trigger.rawValue)
            bind(run.scheduledAt)
            bind(run.keyPart)
            bind(run.notBefore)
            bind(run.createdAt)
            bind(run.instance)
            bind(run.reason)
            bind(run.cause?.text)
            bind(try run.arguments.map { try RowCodec.encode($0) })
            end()
        }

        mutating func bind(_ skip: Skip) {
            bind(skip.jobID.number)
            bind(skip.revision)
            bind(skip.after)
            bind(skip.through)
            bind(skip.reason.rawValue)
            bind(skip.detail)
            bind(skip.recordedAt)
            end()
        }

        fileprivate mutating func bind(changed run: Run, place: Int) throws {
            bind(run.id)
            bind(run.notBefore)
            bind(Int64(run.state.number))
            bind(Int64(run.attempt))
            bind(run.dispatchedAt)
            bind(run.startedAt)
            bind(run.endedAt)
            bind(run.heartbeatAt)
            bind(run.instance)
            bind(run.process?.text)
            bind(run.outcome.exitCode.map(Int64.init))
            bind(run.outcome.signal.map(Int64.init))
            bind(run.outcome.error)
            bind(run.outcome.outputTail)
            bind(run.reason)
            bind(run.earlier.isEmpty ? nil : try RowCodec.encode(run.earlier))
            bind(run.held?.since)
            bind(run.held?.until)
            bind(run.held?.why)
            bind(run.machine)
            bind(Int64(place))
            bind(HourCount.hour(of: run.endedAt ?? run.scheduledAt))
            bind(EndedCounts.took(run))
            bind(run.hasFailed)
            end()
        }
    }
#endif

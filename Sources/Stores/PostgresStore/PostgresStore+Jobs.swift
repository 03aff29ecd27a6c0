#if Postgres
    public import CarillonCore
    import PostgresClient
    import StoreCodec
    public import Timetable

    /// What is read of jobs.
    extension PostgresStore {
        private static let selection = "SELECT \(jobColumns) FROM \(RowCodec.jobTables)"
        static let jobColumns = RowCodec.jobColumns + ", cursors.pinned"

        /// Reads a job of `jobColumns`.
        static func job(_ row: borrowing PostgresRow, _ codec: RowCodec) throws -> StoredJob {
            var stored = try codec.job(row)
            stored.pinned = try shard(row, at: RowCodec.jobWidth)
            return stored
        }

        private static func shard(_ row: borrowing PostgresRow, at place: Int) throws -> Shard? {
            try row.integer(place).map { Shard(Int16(truncatingIfNeeded: $0)) }
        }

        private func jobs(_ rest: String, _ values: [PostgresValue]) async throws -> [StoredJob] {
            let codec = codec
            return try await rows("\(Self.selection) \(rest)", values) { try Self.job($0, codec) }
        }

        /// Those in the planner's heap; what is to be taken up is due at once.
        static let cursors = """
            SELECT job_id, CASE WHEN NOT is_changing THEN next_due END, pinned FROM cursors
            WHERE (is_on AND next_due IS NOT NULL OR is_changing)
            """

        static func cursor(_ row: borrowing PostgresRow) throws -> JobCursor {
            JobCursor(
                id: JobID(Int32(truncatingIfNeeded: try row.integer(0) ?? 0)),
                nextDue: try row.integer(1).map { Timestamp(microseconds: $0) } ?? .distantPast,
                pinned: try shard(row, at: 2))
        }

        public func cursors() async throws -> [JobCursor] { try await rows(Self.cursors, [], Self.cursor) }

        public func jobs(ids: [JobID]) async throws -> [StoredJob] {
            if ids.isEmpty { return [] }
            let found = try await jobs("WHERE id = ANY($1::integer[])", [PostgresValue(ids)])
            let byID = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
            return ids.compactMap { byID[$0] }
        }

        public func changing(_ ids: [JobID]) async throws -> [ChangingJob] {
            let codec = codec
            return try await rows(
                """
                SELECT \(RowCodec.changingColumns), cursors.pinned FROM \(RowCodec.changingTables)
                WHERE jobs.id = ANY($1::integer[])
                """,
                [PostgresValue(ids)]
            ) { row in
                var found = try codec.changing(row)
                found.job.pinned = try Self.shard(row, at: RowCodec.changingWidth)
                found.former.pinned = found.job.pinned
                return found
            }
        }

        public func job(named name: String) async throws -> StoredJob? {
            try await jobs("WHERE name = $1 AND NOT removed", [.text(name)]).first
        }

        public func jobs(after name: String?, limit: Int) async throws -> [StoredJob] {
            try await jobs(
                "WHERE name > $1 AND NOT removed ORDER BY name LIMIT $2", [.text(name ?? ""), .integer(Int64(limit))])
        }

        public func jobs(_ query: JobQuery) async throws -> [StoredJob] {
            var asked = Self.question(query)
            asked.add("name > ", query.after.map { .text($0) })
            let limit = asked.place(.integer(Int64(query.limit)))
            let order =
                switch query.order {
                case .name: "name"
                case .next: "CASE WHEN is_on THEN next_due END NULLS LAST, name"
                }
            return try await jobs("\(asked.filter) ORDER BY \(order) LIMIT \(limit)", asked.values)
        }

        public func count(_ query: JobQuery) async throws -> Int {
            let asked = Self.question(query)
            return try await rows("SELECT count(*) FROM \(RowCodec.jobTables) \(asked.filter)", asked.values) {
                Int(try $0.integer(0) ?? 0)
            }.first ?? 0
        }

        /// What a query asks of a job, as conditions.
        public func schedules(limit: Int) async throws -> ScheduleCounts {
            let counted = try await rows(
                """
                SELECT schedule, count(*), sum(count(*)) OVER ()::bigint FROM \(RowCodec.jobTables)
                WHERE is_on AND NOT removed GROUP BY schedule ORDER BY 2 DESC, 1 LIMIT $1
                """, [.integer(Int64(limit))]
            ) { (try $0.text(0) ?? "", Int(try $0.integer(1) ?? 0), Int(try $0.integer(2) ?? 0)) }
            var counts = ScheduleCounts(Dictionary(counted.map { ($0.0, $0.1) }) { $1 }, limit: limit)
            counts.jobs = counted.first?.2 ?? 0
            return counts
        }

        /// As the server's documentation has it, 9.7.3: every character stands as its number.
        private static let patterns = GlobTranslation(end: "$", nothing: "(?!.*)") { scalar in
            let digits = String(scalar.value, radix: 16)
            return #"\U"# + String(repeating: "0", count: 8 - digits.count) + digits
        }

        private static func question(_ query: JobQuery) -> Question {
            var asked = Question()
            asked.add("NOT removed")
            if !query.names.isEmpty {
                let each = query.names.map { name in
                    guard Glob.isPattern(name) else { return "name = " + asked.place(.init(storable: name)) }
                    if let part = Glob(name).contained {
                        return "strpos(name, " + asked.place(.init(storable: part)) + ") > 0"
                    }
                    // A pattern that nothing matches is no condition.
                    return Self.patterns.expression(of: name).map { "name ~ " + asked.place(.text($0)) } ?? "false"
                }
                asked.add("(" + each.joined(separator: " OR ") + ")")
            }
            for tag in query.tags {
                asked.add("jobs.id IN (SELECT job_id FROM job_tags WHERE tag = ", .init(storable: tag), closing: ")")
            }
            asked.add(
                "strpos(schedule, ", query.zone.map { .init(storable: JobTexts.part(ofZone: $0)) }, closing: ") > 0")
            asked.add("kind = ", query.target.map { .init(storable: $0.rawValue) })
            asked.add("feed = ", query.feed.map { .init(storable: $0) })
            // In canonical JSON no text can look like this: its quotes are escaped.
            let halted = "coalesce(standing LIKE '%\"off\":{\"halted\":%', false)"
            let states = query.states.sorted { $0.rawValue < $1.rawValue }.map { state in
                switch state {
                case .enabled: "is_on"
                case .disabled: "(NOT is_on AND NOT \(halted))"
                case .halted: halted
                case .failed: "jobs.id IN (SELECT job_id FROM cursors WHERE streak > 0)"
                case .active: "jobs.id IN (SELECT job_id FROM runs WHERE state < 3)"
                }
            }
            if !states.isEmpty { asked.add("(" + states.joined(separator: " OR ") + ")") }
            return asked
        }

        public func jobs(ofFeed feed: String) async throws -> [StoredJobDigest] {
            try await rows(
                "SELECT \(RowCodec.digestColumns) FROM \(RowCodec.jobTables) WHERE feed = $1 AND NOT removed",
                [.init(storable: feed)]
            ) { try RowCodec.digest($0) }
        }

        public func jobs(cursorAfter time: Timestamp, in shards: Set<Shard>, limit: Int) async throws -> [StoredJob] {
            try await jobs(
                "WHERE cursor > $1 AND NOT removed AND \(Self.shard) = ANY($2::smallint[]) LIMIT $3",
                [.init(time), Self.value(shards), .integer(Int64(limit))])
        }

        public func definition(of job: JobID, revision: Int64) async throws -> Job? {
            guard var definition = try await jobs(ids: [job]).first?.job else { return nil }
            // The oldest schedule kept since then is the one that was in force.
            let old = try await rows(
                "SELECT definition FROM revisions WHERE job_id = $1 AND revision >= $2 ORDER BY revision LIMIT 1",
                [.integer(Int64(job.number)), .integer(revision)]
            ) { try $0.text(0) ?? "" }.first
            // One that cannot be read counts nothing.
            if let old {
                guard let schedule = try? RowCodec.decode(ScheduleText.self, old) else { return nil }
                definition.schedule = schedule
            }
            return definition
        }

        public func rewind(_ cursors: [JobCursor], under term: Term, now: Timestamp) async throws {
            var ids = PostgresArray(of: .integer)
            var next = PostgresArray(of: .bigint)
            for cursor in cursors.sorted(by: { $0.id < $1.id }) {
                ids.append(Int64(cursor.id.number))
                next.append(cursor.nextDue?.microseconds)
            }
            let values: [PostgresValue] = [.init(ids), .init(now)]
            let moved: [PostgresValue] = values + [.init(next)]
            try await write(under: term) { transaction in
                try transaction.execute(
                    """
                    UPDATE cursors SET cursor = $2, next_due = p.next_due
                    FROM unnest($1::integer[], $3::bigint[]) AS p (job_id, next_due)
                    WHERE cursors.job_id = p.job_id AND cursors.cursor > $2
                    """, moved)
                try transaction.execute("DELETE FROM skips WHERE job_id = ANY($1::integer[]) AND after >= $2", values)
                try transaction.execute(
                    "UPDATE skips SET through = $2 WHERE job_id = ANY($1::integer[]) AND through > $2", values)
            }
        }
    }
#endif

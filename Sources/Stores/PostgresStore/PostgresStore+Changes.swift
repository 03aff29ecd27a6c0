#if Postgres
    public import CarillonCore
    import PostgresClient
    import StoreCodec
    public import Timetable

    /// Changes of definitions: thousands of them are some statements.
    extension PostgresStore {
        public func apply(_ changes: [JobChange], by term: Term?, now: Timestamp) async throws -> [JobAnswer] {
            let codec = codec
            return try await change { writer in
                var left = 3
                while true {
                    do {
                        return try await writer.transaction { transaction in
                            var answers: [JobAnswer] = []
                            answers.reserveCapacity(changes.count)
                            for part in Self.parts(of: changes) {
                                answers += try Self.apply(part, codec, now, transaction)
                            }
                            try Self.tell(Mail.changed(answers.compactMap(\.stored)), but: term, transaction)
                            return answers
                        }
                    } catch let error as PostgresError where error.isClash && left > 0 {
                        // Somebody else added such a name at the same moment: now it is there.
                        left -= 1
                    }
                }
            }
        }

        /// Cuts changes into parts of which none is about one job twice.
        private static func parts(of changes: [JobChange]) -> [ArraySlice<JobChange>] {
            var parts: [ArraySlice<JobChange>] = []
            var start = changes.startIndex
            var names: Set<String> = []
            var removed: Set<JobID> = []
            for (place, change) in changes.enumerated() {
                let isNext =
                    switch change {
                    case .add(let job, _, _, _), .change(_, let job, _): !removed.isEmpty || names.contains(job.name)
                    // A removal names a number, which may be that of any name before it.
                    case .remove(let id, _): !names.isEmpty || removed.contains(id)
                    }
                if isNext {
                    parts.append(changes[start..<place])
                    (start, names, removed) = (place, [], [])
                }
                switch change {
                case .add(let job, _, _, _), .change(_, let job, _): names.insert(job.name)
                case .remove(let id, _): removed.insert(id)
                }
            }
            return parts + [changes[start...]]
        }

        private static func apply(
            _ changes: ArraySlice<JobChange>, _ codec: RowCodec, _ now: Timestamp, _ transaction: PostgresTransaction
        ) throws -> [JobAnswer] {
            var names: [PostgresValue] = []
            var ids: [JobID] = []
            for change in changes {
                switch change {
                case .add(let job, _, _, _): names.append(.text(job.name))
                case .change(let id, _, _), .remove(let id, _): ids.append(id)
                }
            }
            var known: [StoredJob] = []
            if !names.isEmpty { known += try lock("jobs.name = ANY($1::text[])", .array(names), codec, transaction) }
            if !ids.isEmpty {
                known += try lock("jobs.id = ANY($1::integer[])", PostgresValue(ids.sorted()), codec, transaction)
            }
            var writing = JobWriting(known: known)
            let answers = try changes.map { try writing.take($0) }
            try writing.write(transaction, now)
            return writing.numbered(answers)
        }

        /// Reads jobs, also those that are gone, and keeps others from changing and planning them meanwhile.
        private static func lock(
            _ condition: String, _ value: PostgresValue, _ codec: RowCodec, _ transaction: PostgresTransaction
        ) throws -> [StoredJob] {
            try transaction.all(
                """
                SELECT \(jobColumns) FROM \(RowCodec.jobTables) WHERE \(condition) ORDER BY jobs.id
                FOR UPDATE OF jobs, cursors
                """, [value]
            ) { try job($0, codec) }
        }
    }

    /// Rows of some changes, gathered table by table.
    private struct JobWriting {
        private static let jobs = PostgresColumns.Shape([
            "id": .integer, "name": .text, "feed": .text, "source": .text, "schedule": .text, "kind": .text,
            "summary": .text, "target": .text, "policies": .text, "tags": .text, "enabled": .boolean, "standing": .text,
            "digest": .bigint,
        ])
        private static let cursors = PostgresColumns.Shape([
            "job_id": .integer, "is_on": .boolean, "revision": .bigint, "cursor": .bigint, "next_due": .bigint,
            "pinned": .smallint,
        ])
        private static let revised = PostgresColumns.Shape([
            "job_id": .integer, "is_on": .boolean, "revision": .bigint,
        ])
        private static let tags = PostgresColumns.Shape(["tag": .text, "job_id": .integer])

        private let byName: [String: StoredJob]
        private let byID: [JobID: StoredJob]
        private var texts = JobTexts()
        /// Jobs that are new stand here, with the place of their number among all new ones.
        private var added: [(job: Job, parts: JobTexts.Parts, stored: StoredJob, skips: [Skip])] = []
        private var changed = PostgresColumns(jobs)
        private var new = PostgresColumns(cursors)
        private var revised = PostgresColumns(revised)
        private var removed: [JobID] = []
        private var tags = PostgresColumns(tags)
        private var untagged: [JobID] = []
        private var skips: [Skip] = []
        /// The number before that of the first new job.
        private var last: Int32 = 0
        /// New jobs that stand under the label of a machine.
        private var pins: [JobID: Shard] = [:]

        init(known: [StoredJob]) {
            byName = Dictionary(known.map { ($0.job.name, $0) }) { first, _ in first }
            byID = Dictionary(known.map { ($0.id, $0) }) { first, _ in first }
        }

        /// Takes one change; answers it, with the place of its number for a new job.
        mutating func take(_ change: JobChange) throws -> JobAnswer {
            switch change {
            case .add(let job, let cursor, let nextDue, let skips):
                guard let before = byName[job.name] else {
                    let stored = StoredJob(
                        id: JobID(-Int32(added.count + 1)), job: job, revision: 1, cursor: cursor, nextDue: nextDue)
                    added.append((job, try texts.parts(of: job), stored, skips))
                    return .stored(stored)
                }
                guard before.isRemoved else {
                    return before.job.origin.feed == job.origin.feed ? .stale(before) : .foreign
                }
                let back = job.returned(before.job.origin.feed, under: before.job.standing)
                return .stored(try replace(before, by: back))
            case .change(let id, let job, let revision):
                let before = byID[id]
                guard let before, before.revision == revision, !before.isRemoved else { return .stale(before) }
                guard before.job.origin.feed == job.origin.feed else { return .foreign }
                return .stored(try replace(before, by: job))
            case .remove(let id, let revision):
                let before = byID[id]
                guard let before, before.revision == revision, !before.isRemoved else { return .stale(before) }
                removed.append(id)
                if let pinned = before.pinned { leaving.append((id, pinned, .share)) }
                return .stored(
                    revise(before, isOn: false) {
                        $0.isRemoved = true
                    })
            }
        }

        /// Jobs of one machine whose definition is for it no more, with where they stand and where they are to.
        private var leaving: [(job: JobID, from: Shard, to: Place)] = []

        private mutating func replace(_ before: StoredJob, by job: Job) throws -> StoredJob {
            if let pinned = before.pinned, before.isChanging || before.job.policies.host != job.policies.host {
                leaving.append((before.id, pinned, Place(of: job.policies)))
            }
            changed.bind(job, try texts.parts(of: job), before.id)
            if before.job.tags != job.tags || before.fault != nil {
                untagged.append(before.id)
                tags.bind(job.tags, of: before.id)
            }
            return revise(before, isOn: job.isOn) {
                $0.job = job
                $0.isRemoved = false
            }
        }

        /// Begins the next revision of a job; its cursor goes on following the one that it follows.
        private mutating func revise(
            _ before: StoredJob, isOn: Bool, _ change: (inout StoredJob) -> Void
        ) -> StoredJob {
            var after = before
            after.revision += 1
            after.isChanging = true
            after.fault = nil
            change(&after)
            revised.bind(before.id.number)
            revised.bind(isOn)
            revised.bind(after.revision)
            revised.end()
            return after
        }

        mutating func write(_ transaction: PostgresTransaction, _ now: Timestamp) throws {
            if revised.count > 0 { try keepFormer(transaction, now) }
            try add(transaction)
            if changed.count > 0 {
                let set = Self.jobs.columns.dropFirst(2).map { "\($0.name) = j.\($0.name)" }.joined(separator: ", ")
                try transaction.execute(
                    "UPDATE jobs SET \(set), removed = false FROM \(Self.jobs.rows("j", from: 1)) WHERE jobs.id = j.id",
                    changed.values)
            }
            if !removed.isEmpty {
                try transaction.execute(
                    "UPDATE jobs SET removed = true WHERE id = ANY($1::integer[])", [PostgresValue(removed.sorted())])
            }
            if revised.count > 0 {
                try transaction.execute(
                    """
                    UPDATE cursors SET is_on = r.is_on, revision = r.revision, is_changing = true
                    FROM \(Self.revised.rows("r", from: 1)) WHERE cursors.job_id = r.job_id
                    """, revised.values)
            }
            if !untagged.isEmpty {
                try transaction.execute(
                    "DELETE FROM job_tags WHERE job_id = ANY($1::integer[])", [PostgresValue(untagged)])
            }
            if tags.count > 0 {
                try transaction.execute(
                    """
                    INSERT INTO job_tags (\(Self.tags.names)) SELECT * FROM \(Self.tags.rows("t", from: 1))
                    ON CONFLICT DO NOTHING
                    """, tags.values)
            }
            for skip in skips { try PostgresStore.insert(skip, transaction) }
            for (job, from, to) in leaving { try PostgresStore.free(job, from: from, to: to, transaction) }
        }

        /// Keeps the definitions that cursors follow, but where they follow earlier ones still, and the schedules that skips are
        /// counted with.
        private func keepFormer(_ transaction: PostgresTransaction, _ now: Timestamp) throws {
            try transaction.execute(
                """
                INSERT INTO changing (job_id, revision, changed_at, \(RowCodec.definitionColumns))
                SELECT jobs.id, cursors.revision, $4, \(RowCodec.definitionColumns)
                FROM \(Self.revised.rows("r", from: 1))
                JOIN cursors ON cursors.job_id = r.job_id JOIN jobs ON jobs.id = r.job_id
                WHERE NOT cursors.is_changing
                """, revised.values + [.init(now)])
            if changed.count == 0 { return }
            try transaction.execute(
                """
                INSERT INTO revisions (job_id, revision, definition)
                SELECT jobs.id, cursors.revision, jobs.schedule FROM \(Self.jobs.rows("j", from: 1))
                JOIN cursors ON cursors.job_id = j.id JOIN jobs ON jobs.id = j.id WHERE jobs.schedule <> j.schedule
                ON CONFLICT (job_id, revision) DO UPDATE SET definition = excluded.definition
                """, changed.values)
        }

        private mutating func add(_ transaction: PostgresTransaction) throws {
            if added.isEmpty { return }
            var rows = PostgresColumns(Self.jobs)
            // A row under its lock: what is rolled back was never drawn.
            let highest = try transaction.first(
                "UPDATE counters SET value = value + $1 WHERE name = 'jobs' RETURNING value",
                [.integer(Int64(added.count))]
            ) { try $0.integer(0) ?? 0 }
            last = Int32(truncatingIfNeeded: highest ?? 0) - Int32(added.count)
            for (job, _, stored, _) in added {
                guard let label = Place(of: job.policies).label else { continue }
                pins[number(of: stored.id)] = try PostgresStore.shard(labelled: label, transaction)
            }
            for (job, parts, stored, skips) in added {
                var stored = stored
                stored.id = number(of: stored.id)
                stored.pinned = pins[stored.id]
                rows.bind(job, parts, stored.id)
                new.bind(stored)
                tags.bind(job.tags, of: stored.id)
                self.skips += skips.map { skip in
                    var skip = skip
                    skip.jobID = stored.id
                    skip.revision = 1
                    return skip
                }
            }
            try transaction.execute(
                "INSERT INTO jobs (\(Self.jobs.names)) SELECT * FROM \(Self.jobs.rows("j", from: 1))", rows.values)
            try transaction.execute(
                "INSERT INTO cursors (\(Self.cursors.names)) SELECT * FROM \(Self.cursors.rows("c", from: 1))",
                new.values)
        }

        /// Gives the answers of new jobs the numbers they got.
        func numbered(_ answers: [JobAnswer]) -> [JobAnswer] {
            answers.map { answer in
                guard case .stored(var stored) = answer else { return answer }
                stored.id = number(of: stored.id)
                stored.pinned = pins[stored.id] ?? stored.pinned
                return .stored(stored)
            }
        }

        private func number(of id: JobID) -> JobID { id.number < 0 ? JobID(last - id.number) : id }
    }

    extension PostgresColumns {
        fileprivate mutating func bind(_ job: Job, _ parts: JobTexts.Parts, _ id: JobID) {
            bind(id.number)
            bind(job.name)
            bind(job.origin.feed)
            bind(job.origin.source)
            bind(text: parts.schedule)
            bind(job.target.kind.rawValue)
            bind(job.target.summary)
            bind(job.target.body)
            bind(text: parts.policies)
            bind(text: parts.tags)
            bind(job.enabled)
            if let standing = parts.standing { bind(text: standing) } else { bind(nil as String?) }
            bind(Int64(bitPattern: parts.digest))
            end()
        }

        fileprivate mutating func bind(_ stored: StoredJob) {
            bind(stored.id.number)
            bind(stored.job.isOn)
            bind(stored.revision)
            bind(stored.cursor)
            bind(stored.nextDue)
            bind(stored.pinned.map { Int64($0.number) })
            end()
        }

        fileprivate mutating func bind(_ tags: [String], of id: JobID) {
            // An index holds no longer one, and nobody looks for it.
            for tag in tags where tag.utf8.count <= 1_000 {
                bind(tag)
                bind(id.number)
                end()
            }
        }
    }
#endif

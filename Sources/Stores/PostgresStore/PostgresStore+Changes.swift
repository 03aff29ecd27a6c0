#if Postgres
    public import CarillonCore
    import PostgresClient
    import StoreCodec
    public import Timetable

    /// Changes of definitions: thousands of them are some statements.
    extension PostgresStore {
        public func apply(_ changes: [JobChange], lease: Lease, now: Timestamp) async throws -> [StoredJob?] {
            try await write(under: lease) { transaction in
                var answers: [StoredJob?] = []
                answers.reserveCapacity(changes.count)
                for part in Self.parts(of: changes) { answers += try Self.apply(part, transaction) }
                return answers
            }
        }

        /// Cuts changes into parts of which none is about one job twice.
        private static func parts(of changes: [JobChange]) -> [ArraySlice<JobChange>] {
            var parts: [ArraySlice<JobChange>] = []
            var start = changes.startIndex
            var names: Set<String> = []
            var isRemoving = false
            for (place, change) in changes.enumerated() {
                let isNext: Bool
                switch change {
                case .put(let job, _, _, _): isNext = isRemoving || !names.insert(job.name).inserted
                // A removal names a number, which may be that of any name before it.
                case .remove: isNext = !names.isEmpty
                }
                if isNext {
                    parts.append(changes[start..<place])
                    start = place
                    names = []
                    isRemoving = false
                    if case .put(let job, _, _, _) = change { names.insert(job.name) }
                }
                if case .remove = change { isRemoving = true }
            }
            return parts + [changes[start...]]
        }

        private static func apply(
            _ changes: ArraySlice<JobChange>, _ transaction: PostgresTransaction
        ) throws -> [StoredJob?] {
            var names: [PostgresValue] = []
            var removed: [JobID] = []
            for change in changes {
                switch change {
                case .put(let job, _, _, _): names.append(.text(job.name))
                case .remove(let id): removed.append(id)
                }
            }
            if !removed.isEmpty {
                let ids = [PostgresValue(removed.sorted())]
                try transaction.execute("UPDATE jobs SET removed = true WHERE id = ANY($1::integer[])", ids)
                try transaction.execute(
                    "UPDATE cursors SET is_on = false, next_due = NULL WHERE job_id = ANY($1::integer[])", ids)
            }
            if names.isEmpty { return changes.map { _ in nil } }
            var writing = JobWriting(known: try known(names, transaction))
            let answers = try changes.map { try writing.take($0) }
            try writing.write(transaction)
            return try writing.numbered(answers)
        }

        /// Reads what is there under these names, also of jobs that are gone.
        private static func known(
            _ names: [PostgresValue], _ transaction: PostgresTransaction
        ) throws -> [String: JobWriting.Known] {
            let found = try transaction.all(
                """
                SELECT name, id, feed, removed, revision, opened, schedule, standing, streak, tags
                FROM unnest($1::text[]) AS asked (asked) JOIN jobs ON jobs.name = asked.asked
                JOIN cursors ON cursors.job_id = jobs.id
                """, [.array(names)]
            ) { row in
                (
                    try row.text(0) ?? "",
                    JobWriting.Known(
                        id: JobID(Int32(truncatingIfNeeded: try row.integer(1) ?? 0)), feed: try row.text(2) ?? "",
                        isRemoved: try row.bool(3) ?? false, revision: try row.integer(4) ?? 0,
                        opened: try row.integer(5) ?? 0, schedule: try row.text(6) ?? "", standing: try row.text(7),
                        streak: Int(try row.integer(8) ?? 0), tags: try row.text(9) ?? "")
                )
            }
            return Dictionary(found) { first, _ in first }
        }
    }

    /// Rows of some puts, gathered table by table.
    private struct JobWriting {
        /// What stands in the store under a name.
        struct Known: Sendable {
            var id: JobID
            var feed: String
            var isRemoved: Bool
            var revision: Int64
            var opened: Int64
            var schedule: String
            var standing: String?
            var streak: Int
            var tags: String
        }

        private static let jobs = PostgresColumns.Shape([
            "id": .integer, "name": .text, "feed": .text, "source": .text, "schedule": .text, "kind": .text,
            "summary": .text, "target": .text, "policies": .text, "tags": .text, "enabled": .boolean, "standing": .text,
            "digest": .bigint,
        ])
        private static let cursors = PostgresColumns.Shape([
            "job_id": .integer, "is_on": .boolean, "revision": .bigint, "cursor": .bigint, "next_due": .bigint,
            "opened": .bigint, "streak": .integer,
        ])
        private static let revisions = PostgresColumns.Shape([
            "job_id": .integer, "revision": .bigint, "definition": .text,
        ])
        private static let tags = PostgresColumns.Shape(["tag": .text, "job_id": .integer])

        private let known: [String: Known]
        private var texts = JobTexts()
        /// Jobs that are new stand here, with the place of their number among all new ones.
        private var added: [(job: Job, parts: JobTexts.Parts, stored: StoredJob, skips: [Skip])] = []
        private var changed = PostgresColumns(jobs)
        private var cursors = PostgresColumns(cursors)
        private var revisions = PostgresColumns(revisions)
        private var tags = PostgresColumns(tags)
        private var untagged: [JobID] = []
        private var skips: [Skip] = []
        /// The number before that of the first new job.
        private var last: Int32 = 0

        init(known: [String: Known]) { self.known = known }

        /// Takes one change; answers it with the place of its number for a new job.
        mutating func take(_ change: JobChange) throws -> StoredJob? {
            guard case .put(let asked, let cursor, let nextDue, let skips) = change else { return nil }
            guard let before = known[asked.name] else {
                let stored = StoredJob(
                    id: JobID(-Int32(added.count + 1)), job: asked, revision: 1, cursor: cursor, nextDue: nextDue)
                added.append((asked, try texts.parts(of: asked), stored, skips))
                return stored
            }
            var job = asked
            if before.isRemoved, let standing = RowCodec.standing(before.standing) {
                job = asked.returned(before.feed, under: standing)
            }
            guard before.isRemoved || before.feed == job.origin.feed else { return nil }
            let parts = try texts.parts(of: job)
            var stored = StoredJob(
                id: before.id, job: job, revision: before.revision + 1, cursor: cursor, nextDue: nextDue,
                opened: before.opened, streak: before.streak)
            if !parts.schedule.elementsEqual(before.schedule.utf8) {
                // What its skips cover is counted with the schedule they were made by.
                revisions.bind(before.id.number)
                revisions.bind(before.revision)
                revisions.bind(before.schedule)
                revisions.end()
                stored.opened = 0
            }
            changed.bind(job, parts, before.id)
            cursors.bind(stored)
            if !parts.tags.elementsEqual(before.tags.utf8) {
                untagged.append(before.id)
                tags.bind(job.tags, of: before.id)
            }
            self.skips += skips.map { skip in
                var skip = skip
                skip.jobID = before.id
                return skip
            }
            return stored
        }

        mutating func write(_ transaction: PostgresTransaction) throws {
            var new = PostgresColumns(Self.jobs)
            if !added.isEmpty {
                // A row under its lock: what is rolled back was never drawn.
                let highest = try transaction.first(
                    "UPDATE counters SET value = value + $1 WHERE name = 'jobs' RETURNING value",
                    [.integer(Int64(added.count))]
                ) { try $0.integer(0) ?? 0 }
                last = Int32(truncatingIfNeeded: highest ?? 0) - Int32(added.count)
                for (job, parts, stored, skips) in added {
                    var stored = stored
                    stored.id = number(of: stored.id)
                    new.bind(job, parts, stored.id)
                    cursors.bind(stored)
                    tags.bind(job.tags, of: stored.id)
                    self.skips += skips.map { skip in
                        var skip = skip
                        skip.jobID = stored.id
                        skip.revision = 1
                        return skip
                    }
                }
                try transaction.execute(
                    "INSERT INTO jobs (\(Self.jobs.names)) SELECT * FROM \(Self.jobs.rows("j", from: 1))", new.values)
            }
            if changed.count > 0 {
                let set = Self.jobs.columns.dropFirst(2).map { "\($0.name) = j.\($0.name)" }.joined(separator: ", ")
                try transaction.execute(
                    "UPDATE jobs SET \(set), removed = false FROM \(Self.jobs.rows("j", from: 1)) WHERE jobs.id = j.id",
                    changed.values)
            }
            if cursors.count > 0 {
                let set = Self.cursors.columns.dropFirst().map { "\($0.name) = excluded.\($0.name)" }.joined(
                    separator: ", ")
                try transaction.execute(
                    """
                    INSERT INTO cursors (\(Self.cursors.names)) SELECT * FROM \(Self.cursors.rows("c", from: 1))
                    ON CONFLICT (job_id) DO UPDATE SET \(set)
                    """, cursors.values)
            }
            if revisions.count > 0 {
                try transaction.execute(
                    """
                    INSERT INTO revisions (\(Self.revisions.names)) SELECT * FROM \(Self.revisions.rows("r", from: 1))
                    ON CONFLICT (job_id, revision) DO UPDATE SET definition = excluded.definition
                    """, revisions.values)
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
        }

        /// Gives the answers of new jobs the numbers they got.
        func numbered(_ answers: [StoredJob?]) throws -> [StoredJob?] {
            answers.map { answer in
                answer.map { stored in
                    var stored = stored
                    stored.id = number(of: stored.id)
                    return stored
                }
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
            bind(stored.opened)
            bind(Int64(stored.streak))
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

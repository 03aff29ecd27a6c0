#if MongoDB
    import CarillonCore
    import MongoClient
    import StoreCodec
    import Timetable

    /// A job as a document: Simple Scheduler's fields, for its tools, and ours beside them.
    enum JobDocument {
        private static let parts = [
            "feed", "source", "schedule", "kind", "summary", "target", "policies", "tags", "enabled",
        ]

        /// What `RowCodec.job` reads, in its order.
        static let paths =
            ["number", "_id"] + parts.map { "definition." + $0 }
            + ["revision", "cursor", "nextDue", "opened", "definition.standing", "removed", "streak", "former"]

        /// What `RowCodec.changing` reads: the job, the one that its cursor follows, and when that was changed.
        static let changingPaths =
            paths + ["number", "_id"] + parts.map { "former.definition." + $0 }
            + [
                "former.revision", "cursor", "nextDue", "opened", "former.definition.standing", "former.removed",
                "streak",
                "former.none", "former.changedAt",
            ]

        /// Reads a job; what of its definition cannot be read is its fault alone.
        static func job(_ document: BSONDocument, _ codec: RowCodec) throws -> StoredJob {
            var stored = try codec.job(DocumentRow(document: document, paths: paths))
            stored.pinned = document["pinned"]?.shard
            return stored
        }

        static func changing(_ document: BSONDocument, _ codec: RowCodec) throws -> ChangingJob {
            var found = try codec.changing(DocumentRow(document: document, paths: changingPaths))
            found.job.pinned = document["pinned"]?.shard
            found.former.pinned = found.job.pinned
            return found
        }

        static func cursor(_ document: BSONDocument) -> JobCursor? {
            guard let id = document["number"]?.job else { return nil }
            let pinned = document["pinned"]?.shard
            if document["former"] != nil { return JobCursor(id: id, nextDue: .distantPast, pinned: pinned) }
            guard document["on"]?.bool == true, let due = document["nextDue"]?.time else { return nil }
            return JobCursor(id: id, nextDue: due, pinned: pinned)
        }

        /// What `cursor` reads.
        static let cursorFields = ["number", "pinned", "on", "nextDue", "former.revision"]

        /// Those whose cursor is in the planner's heap.
        static let planned = DocumentFilter.Condition.any([
            [.equals("on", true), .exists("nextDue")], [.exists("former")],
        ])

        static func digest(_ document: BSONDocument) -> StoredJobDigest? {
            guard let id = document["number"]?.job, let definition = document["definition"]?.document else {
                return nil
            }
            return StoredJobDigest(
                id: id, name: document["_id"]?.string ?? "", source: definition["source"]?.string ?? "",
                revision: document["revision"]?.integer ?? 0,
                digest: UInt64(bitPattern: document["digest"]?.integer ?? 0),
                nextDue: document["on"]?.bool == true ? document["nextDue"]?.time : nil,
                standing: RowCodec.standing(definition["standing"]?.string))
        }

        /// What `digest` reads.
        static let digestFields = [
            "number", "revision", "digest", "on", "nextDue", "definition.source", "definition.standing",
        ]

        // MARK: Writing

        static func definition(_ job: Job, _ parts: JobTexts.Parts) -> BSONDocument {
            func text(_ bytes: [UInt8]) -> BSONValue { .string(String(decoding: bytes, as: UTF8.self)) }
            var definition: BSONDocument = [
                "feed": .string(job.origin.feed), "source": .string(job.origin.source),
                "schedule": text(parts.schedule),
                "kind": .string(job.target.kind.rawValue), "summary": .string(job.target.summary),
                "target": .string(job.target.body), "policies": text(parts.policies),
                "tags": .array(job.tags.map { .string($0) }), "enabled": .bool(job.enabled),
            ]
            definition.append("standing", some: parts.standing.map(text))
            return definition
        }

        /// What changes with a definition, beside the definition itself.
        static func fields(of job: Job, _ parts: JobTexts.Parts, isRemoved: Bool) -> [DocumentChange.Step] {
            var change = DocumentChange([
                .set("definition", .document(definition(job, parts))),
                .set("digest", .int64(Int64(bitPattern: parts.digest))), .set("on", .bool(job.isOn && !isRemoved)),
                .set("removed", .bool(isRemoved)),
            ])
            var isHalted = false
            if case .halted? = job.standing?.off { isHalted = true }
            change.set("halted", isHalted ? true : nil)
            return change.steps + seed(job, isRemoved: isRemoved).map { .set($0.name, $0.value) }
        }

        /// The fields of Simple Scheduler that a definition says, lengths of time in milliseconds.
        static func seed(_ job: Job, isRemoved: Bool) -> BSONDocument {
            var interval: Int64 = 0
            if case .every(let text, _) = job.schedule.rule, let span = try? Span.parse(text) {
                interval = span / 1_000
            }
            let policies = job.policies
            func milliseconds(_ length: Int64?) -> BSONValue { .int64((length ?? 0) / 1_000) }
            return [
                "enabled": .bool(job.isOn && !isRemoved), "interval": .int64(interval),
                "runExecutionTimeout": milliseconds(policies.timeout),
                "runStartTimeout": milliseconds(policies.startTimeout),
                "maxQueueCount": .int64(Int64(policies.maxQueue ?? 0)),
                "allowConcurrentRuns": .bool(policies.overlap == .allow),
                "heartbeatTimeout": milliseconds(policies.heartbeatTimeout),
            ]
        }

        /// The manager of all jobs, for whoever of the original looks at them: never one of its own, never zero.
        static func manager(of store: UInt64) -> BSONValue {
            let bytes = Array("cari".utf8) + (0..<8).map { UInt8(truncatingIfNeeded: store >> (56 - 8 * $0)) }
            guard let id = ObjectID(bytes: bytes) else { preconditionFailure("twelve bytes") }
            return .objectID(id)
        }
    }
#endif

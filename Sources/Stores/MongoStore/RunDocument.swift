#if MongoDB
    import CarillonCore
    import MongoClient
    import StoreCodec
    import Timetable

    /// A run as a document: Simple Scheduler's fields, for its tools, and ours beside them.
    enum RunDocument {
        /// What `RowCodec.run` reads, in its order.
        static let paths = [
            "_id", "jobID", "jobName", "revision", "trigger", "scheduledAt", "notBefore", "state", "attempt",
            "createdAt",
            "dispatchedAt", "startedAt", "endedAt", "heartbeatAt", "instance", "process", "exitCode", "signal", "error",
            "outputTail", "reason", "earlier", "heldSince", "heldUntil", "heldWhy", "manual", "cause", "arguments",
            "term",
            "machine",
        ]

        /// What counting needs of `run`.
        static let countedFields = ["jobID", "state", "scheduledAt", "startedAt", "endedAt", "error"]

        /// That a run which is named has not ended. Not `equals`: a server would go through an index of active runs, and not to the
        /// one that is named.
        static let isActive: DocumentFilter.Condition = .exists("active")

        static func run(_ document: BSONDocument, _ codec: RowCodec) throws -> Run {
            try codec.run(DocumentRow(document: document, paths: paths))
        }

        /// Scheduled before 1970 or after 2106: ids say nothing of it.
        static func isOutside(_ time: Timestamp) -> Bool { UInt32(exactly: time.seconds) == nil }

        /// A run that is opened, in the shard of its job under that one's epoch; `batch` names the decision that opened it.
        static func opened(_ run: Run, in shard: Shard, by epoch: Int64, term: Int64?, batch: Int64?) throws
            -> BSONDocument
        {
            var document: BSONDocument = [
                "_id": run.id.object, "jobName": .string(run.job), "status": .string(run.state.rawValue),
                "createdTime": .date(run.createdAt), "jobID": BSONValue(run.jobID), "revision": .int64(run.revision),
                "trigger": .string(run.trigger.rawValue), "scheduledAt": BSONValue(run.scheduledAt),
                "notBefore": BSONValue(run.notBefore), "state": .int64(Int64(run.state.number)),
                "attempt": .int64(Int64(run.attempt)), "createdAt": BSONValue(run.createdAt), "active": true,
                "shard": BSONValue(shard), "by": .int64(epoch),
            ]
            document.append("occurrence", some: run.occurrence.map { BSONValue($0) })
            document.append("manual", some: run.occurrence == nil ? 1 : nil)
            document.append("term", some: term.map { .int64($0) })
            document.append("batch", some: batch.map { .int64($0) })
            document.append("instance", some: run.instance.map { .string($0) })
            document.append("reason", some: run.reason.map { .string($0) })
            if let cause = run.cause {
                document.append("cause", .string(cause.text))
                if case .asked = cause { document.append("asked", .string(cause.text)) }
                // Of a backfill one run at most repeats another; people may as often as they like.
                if case .repeats = cause, run.trigger == .backfill { document.append("repeats", .string(cause.text)) }
            }
            document.append("arguments", some: try run.arguments.map { .string(try RowCodec.encode($0)) })
            if isOutside(run.scheduledAt) { document.append("outside", true) }
            return document
        }

        /// A run as it stands now, written under an epoch; `record` names the call, which so finds what it has written.
        static func recorded(_ run: Run, by epoch: Int64, record: Int64) throws -> DocumentChange {
            var change = DocumentChange([
                .set("by", .int64(epoch)), .set("record", .int64(record)), .set("status", .string(run.state.rawValue)),
                .set("state", .int64(Int64(run.state.number))), .set("attempt", .int64(Int64(run.attempt))),
                .set("notBefore", BSONValue(run.notBefore)),
            ])
            func set(_ path: String, _ time: Timestamp?, seed: String?) {
                change.set(path, time.map { BSONValue($0) })
                if let seed { change.set(seed, time.map { .date($0) }) }
            }
            set("dispatchedAt", run.dispatchedAt, seed: nil)
            set("startedAt", run.startedAt, seed: "startTime")
            set("endedAt", run.endedAt, seed: "endTime")
            set("heartbeatAt", run.heartbeatAt, seed: "heartbeat")
            change.set("instance", run.instance.map { .string($0) })
            change.set("machine", run.machine.map { .string($0) })
            change.set("process", run.process.map { .string($0.text) })
            change.set("exitCode", run.outcome.exitCode.map { .int64(Int64($0)) })
            change.set("signal", run.outcome.signal.map { .int64(Int64($0)) })
            change.set("error", run.outcome.error.map { .string($0) })
            change.set("outputTail", run.outcome.outputTail.map { .string($0) })
            change.set("reason", run.reason.map { .string($0) })
            change.set("earlier", run.earlier.isEmpty ? nil : .string(try RowCodec.encode(run.earlier)))
            set("heldSince", run.held?.since, seed: nil)
            set("heldUntil", run.held?.until, seed: nil)
            change.set("heldWhy", run.held.map { .string($0.why) })
            if run.state.isFinal { change.set("active", nil) }
            return change
        }
    }
#endif

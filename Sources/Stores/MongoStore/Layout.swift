#if MongoDB
    import CarillonCore
    import MongoClient
    import StoreCodec

    /// Collections and their indexes, as docs/mongodb.md has them.
    enum Layout {
        // Simple Scheduler's names, for its own tools.
        static let jobs = "jobs"
        static let runs = "runs"
        static let instances = "managers"

        /// Of those that were ever dealt, and of labels.
        static let shards = "shards"
        static let mail = "mail"
        static let skips = "skips"
        static let revisions = "revisions"
        static let declarations = "declarations"
        static let notes = "notes"
        static let counters = "counters"
        static let hours = "hours"
        static let audit = "audit"

        /// What nobody needs is no index: each is written with every document.
        static let indexes: [(collection: String, indexes: [DocumentIndex])] = [
            (
                jobs,
                [
                    // Drawn from a counter, each once; what Simple Scheduler has left has none until it is taken over.
                    DocumentIndex("number", ["number"]),
                    DocumentIndex("shard", ["shard"]),
                    DocumentIndex("pinned", ["pinned"], partial: [.exists("pinned")]),
                    DocumentIndex("fresh", ["fresh"], partial: [.exists("fresh")]),
                    DocumentIndex("opening", ["opening.by", "shard"], partial: [.exists("opening.by")]),
                    DocumentIndex("feed", ["definition.feed"]),
                    DocumentIndex("tags", ["definition.tags"]),
                    DocumentIndex("on", ["on"]),
                    DocumentIndex("halted", ["halted"], partial: [.exists("halted")]),
                    DocumentIndex("streak", ["streak"], partial: [.isAbove("streak", 0)]),
                    DocumentIndex("removed", ["removed"], partial: [.equals("removed", true)]),
                ]
            ),
            (
                runs,
                [
                    DocumentIndex(
                        "occurrence", ["jobID", "occurrence"], unique: true, partial: [.exists("occurrence")]),
                    DocumentIndex("asked", ["jobID", "asked"], unique: true, partial: [.exists("asked")]),
                    DocumentIndex("repeats", ["jobID", "repeats"], unique: true, partial: [.exists("repeats")]),
                    DocumentIndex("job", ["jobID", "scheduledAt"]),
                    DocumentIndex("active", ["active", "_id"], partial: [.equals("active", true)]),
                    DocumentIndex("stamped", ["shard", "by"], partial: [.equals("active", true)]),
                    DocumentIndex("machine", ["machine"], partial: [.equals("active", true)]),
                    DocumentIndex(
                        "failed", ["state", "_id"], partial: [.equals("state", .int64(Int64(RunState.failed.number)))]),
                    // Empty as long as clocks are right.
                    DocumentIndex("outside", ["outside"], partial: [.exists("outside")]),
                    DocumentIndex("ended", ["endedAt"], partial: [.exists("endedAt")]),
                ]
            ),
            (
                instances,
                [
                    DocumentIndex("number", ["number"]),
                    // One life at a time.
                    DocumentIndex("life", ["id"], unique: true, partial: [.exists("term")]),
                ]
            ),
            (
                shards,
                [
                    DocumentIndex("label", ["label"], unique: true, partial: [.exists("label")]),
                    DocumentIndex("holder", ["holder"]),
                ]
            ),
            (mail, [DocumentIndex("shard", ["shard"]), DocumentIndex("machine", ["machine"])]),
            (skips, [DocumentIndex("job", ["jobID", "through"]), DocumentIndex("through", ["through"])]),
            (revisions, [DocumentIndex("job", ["jobID", "revision"])]),
            (declarations, [DocumentIndex("machine", ["machine"]), DocumentIndex("job", ["job"])]),
            (hours, [DocumentIndex("hour", ["hour"])]),
            (audit, [DocumentIndex("at", ["at"]), DocumentIndex("subject", ["subject", "at"])]),
        ]

        /// Makes what is missing. Nothing of it is lost when it is cut short: the next one goes on.
        static func prepare(_ documents: any Documents) async throws {
            for (collection, indexes) in indexes { try await documents.prepare(collection, indexes) }
        }
    }
#endif

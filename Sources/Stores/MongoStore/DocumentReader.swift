#if MongoDB
    package import CarillonCore
    package import MongoClient
    import StoreCodec
    import Timetable

    /// Reads documents as the store does, for whoever watches them change.
    package struct DocumentReader: Sendable {
        /// What a document says, as far as it is one of these.
        package enum Content: Sendable {
            case job(StoredJob, ChangingJob?, Decision?)
            case run(Run)
            case skip(Skip)
            case note(String, String)
            case instance(InstanceRecord)
            case shard(ShardRecord)
        }

        /// What is still to follow from a decision.
        package struct Decision: Sendable {
            package var number: Int64
            package var runs: [Run]
            package var skips: [Skip]
        }

        private let codec = RowCodec()

        package init() {}

        package func read(_ collection: String, _ document: BSONDocument) throws -> Content? {
            switch collection {
            case Layout.jobs:
                let opening = try Opening(document)
                return .job(
                    try JobDocument.job(document, codec),
                    document["former"] == nil ? nil : try JobDocument.changing(document, codec),
                    opening.map { Decision(number: $0.batch, runs: $0.runs, skips: $0.skips) })
            case Layout.runs: return .run(try RunDocument.run(document, codec))
            case Layout.skips: return .skip(try SkipDocument.skip(document))
            case Layout.notes:
                guard let key = document["_id"]?.string, let value = document["value"]?.string else { return nil }
                return .note(key, value)
            case Layout.instances: return try MongoStore.record(document, clock: nil).map { .instance($0) }
            case Layout.shards: return MongoStore.shard(document).map { .shard($0) }
            default: return nil
            }
        }
    }
#endif

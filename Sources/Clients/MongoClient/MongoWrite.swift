#if MongoDB
    /// One write of several at once. An update's document has operators alone, such as `$set`.
    public enum MongoWrite: Hashable, Sendable {
        case insert(BSONDocument)
        case updateOne(BSONDocument, BSONDocument, upsert: Bool = false)
        case updateMany(BSONDocument, BSONDocument)
        case deleteOne(BSONDocument)
        case deleteMany(BSONDocument)
    }

    /// What became of several writes, of which each is atomic and all are not.
    public struct MongoWriteResult: Hashable, Sendable {
        /// A write that the server refused.
        public struct Failure: Hashable, Sendable {
            /// Its place among the writes, from 0.
            public var index: Int
            public var code: Int
            public var message: String
            /// Nil when it is another failure.
            public var duplicate: MongoDuplicate?

            init(_ document: BSONDocument, places: [Int]) {
                index = place(document["index"], among: places)
                code = Int(document["code"]?.integer ?? 0)
                message = document["errmsg"]?.string ?? ""
                duplicate = code == MongoCode.duplicate ? MongoDuplicate(message, document) : nil
            }
        }

        public var inserted: Int
        /// Documents that updates found, whether they changed anything or not; without those that they made.
        public var matched: Int
        public var modified: Int
        public var deleted: Int
        /// The `_id` of each document that an update made, by the place of the update among the writes.
        public var upserted: [Int: BSONValue]
        /// By their places.
        public var failures: [Failure]

        /// Places of the writes that met a unique index.
        public var duplicates: [Int] { failures.filter { $0.duplicate != nil }.map(\.index) }

        /// Reads what the library says of a command, whose writes were given at these places.
        init(_ reply: BSONDocument, places: [Int]) {
            let count = { (name: String) in Int(reply[name]?.integer ?? 0) }
            inserted = count("nInserted")
            matched = count("nMatched")
            modified = count("nModified")
            deleted = count("nRemoved")
            upserted = [:]
            for made in reply["upserted"]?.array ?? [] {
                guard let made = made.document, let id = made["_id"] else { continue }
                upserted[place(made["index"], among: places)] = id
            }
            failures = (reply["writeErrors"]?.array ?? []).compactMap { failure in
                failure.document.map { Failure($0, places: places) }
            }
        }

        mutating func add(_ other: MongoWriteResult) {
            inserted += other.inserted
            matched += other.matched
            modified += other.modified
            deleted += other.deleted
            upserted.merge(other.upserted) { one, _ in one }
            failures = (failures + other.failures).sorted { $0.index < $1.index }
        }
    }

    private func place(_ index: BSONValue?, among places: [Int]) -> Int {
        let index = Int(index?.integer ?? 0)
        return places.indices.contains(index) ? places[index] : index
    }
#endif

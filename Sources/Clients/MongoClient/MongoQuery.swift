#if MongoDB
    /// Which documents of a collection are read, and what of them.
    public struct MongoQuery: Hashable, Sendable {
        public var filter: BSONDocument
        /// Fields, 1 for upwards and -1 for downwards.
        public var sort: BSONDocument
        /// Fields, 1 for those that come; all when it is empty.
        public var projection: BSONDocument
        /// So many at most; nil for all.
        public var limit: Int?
        /// Documents in one answer of the server.
        public var batch = 1_000
        /// Until the last document has come; nil for the configuration's `callTimeout`.
        public var timeLimit: Duration?

        public init(
            _ filter: BSONDocument = [:], sort: BSONDocument = [:], projection: BSONDocument = [:], limit: Int? = nil
        ) {
            self.filter = filter
            self.sort = sort
            self.projection = projection
            self.limit = limit
        }

        func options(_ time: BSONValue) -> BSONDocument {
            var options: BSONDocument = ["batchSize": .int64(Int64(batch)), "maxTimeMS": time]
            if !sort.isEmpty { options["sort"] = .document(sort) }
            if !projection.isEmpty { options["projection"] = .document(projection) }
            if let limit { options["limit"] = .int64(Int64(limit)) }
            return options
        }
    }
#endif

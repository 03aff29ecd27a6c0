#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    public import Timetable

    /// What is read of the ledger.
    extension MongoStore {
        func runs(
            _ filter: DocumentFilter, sort: [DocumentOrder] = [], limit: Int? = nil
        ) async throws -> [Run] {
            try await documents.find(Layout.runs, filter, fields: [], sort: sort, limit: limit)
                .map { try RunDocument.run($0, codec) }
        }

        public func activeRuns(after id: RunID?, limit: Int) async throws -> [Run] {
            var filter: DocumentFilter = [.equals("active", true)]
            if let id { filter.conditions.append(.isAbove("_id", id.object)) }
            return try await runs(filter, sort: [.up("_id")], limit: limit)
        }

        public func activeRuns(on machine: String) async throws -> [Run] {
            try await runs([.equals("machine", .string(machine)), .equals("active", true)], sort: [.up("_id")])
        }

        public func run(_ id: RunID) async throws -> Run? {
            try await runs([.equals("_id", id.object)], limit: 1).first
        }

        public func run(of job: JobID, cause: Cause) async throws -> Run? {
            try await runs([.equals("jobID", BSONValue(job)), .equals("asked", .string(cause.text))], limit: 1).first
        }

        public func runs(idPrefix: String, limit: Int) async throws -> [Run] {
            let missing = 24 - idPrefix.utf8.count
            guard missing >= 0, let first = RunID(idPrefix + String(repeating: "0", count: missing)),
                let last = RunID(idPrefix + String(repeating: "f", count: missing))
            else { return [] }
            return try await runs(
                [.isAtLeast("_id", first.object), .isAtMost("_id", last.object)], sort: [.up("_id")], limit: limit)
        }

        public func neighbours(of ids: [RunID]) async throws -> [RunNeighbours] {
            var found: [RunNeighbours] = []
            for id in ids {
                // Each is one step in the index.
                let before = try await documents.find(
                    Layout.runs, [.isBelow("_id", id.object)], fields: ["_id"], sort: [.down("_id")], limit: 1)
                let after = try await documents.find(
                    Layout.runs, [.isAbove("_id", id.object)], fields: ["_id"], sort: [.up("_id")], limit: 1)
                func first(_ documents: [BSONDocument]) -> RunID? {
                    documents.first?["_id"]?.objectID.map { RunID($0) }
                }
                found.append(RunNeighbours(before: first(before), after: first(after)))
            }
            return found
        }

        public func runs(_ query: RunQuery) async throws -> [Run] {
            var filter: DocumentFilter = []
            // Ids begin with the scheduled second, so their order is the order of time.
            var isByID = false
            if let name = query.job {
                guard let job = try await number(of: name) else { return [] }
                filter.conditions.append(.equals("jobID", BSONValue(job)))
            } else {
                isByID = try await idsAreInOrder()
                filter.conditions.append(.exists("jobID"))
            }
            if let since = query.since {
                filter.conditions.append(.isAtLeast("scheduledAt", BSONValue(since)))
                if isByID, let second = UInt32(exactly: since.seconds - Self.mostApart) {
                    filter.conditions.append(.isAtLeast("_id", RunID(second: second, hash: 0).object))
                }
            }
            if let until = query.until {
                filter.conditions.append(.isAtMost("scheduledAt", BSONValue(until)))
                if isByID, let second = UInt32(exactly: until.seconds + Self.mostApart) {
                    filter.conditions.append(.isAtMost("_id", RunID(second: second, hash: .max).object))
                }
            }
            if !query.states.isEmpty {
                let numbers = query.states.map { BSONValue.int64(Int64($0.number)) }
                filter.conditions.append(numbers.count == 1 ? .equals("state", numbers[0]) : .isOneOf("state", numbers))
                if query.states.allSatisfy({ !$0.isFinal }) { filter.conditions.append(.equals("active", true)) }
            }
            if !query.triggers.isEmpty {
                filter.conditions.append(.isOneOf("trigger", query.triggers.map { .string($0.rawValue) }))
            }
            if let after = query.after {
                let isLater = DocumentFilter.Condition.isBelow("_id", after.id.object)
                let time = BSONValue(after.scheduledAt)
                filter.conditions.append(
                    isByID
                        ? isLater
                        : .any([[.isBelow("scheduledAt", time)], [.equals("scheduledAt", time), isLater]]))
            }
            return try await runs(
                filter, sort: isByID ? [.down("_id")] : [.down("scheduledAt"), .down("_id")], limit: query.limit)
        }

        /// Whether every run lies in the years whose seconds an id can say, 1970 to 2106: only then ids are in the order of time.
        private func idsAreInOrder() async throws -> Bool {
            try await documents.first(Layout.runs, [.equals("outside", true)], fields: ["_id"]) == nil
        }

        private func number(of name: String) async throws -> JobID? {
            try await documents.first(
                Layout.jobs, [.equals("_id", .string(name)), .exists("number")], fields: ["number"])?["number"]?.job
        }

        public func lastRuns(of jobs: [JobID]) async throws -> [JobID: Run] {
            var last: [JobID: Run] = [:]
            for job in jobs {
                last[job] = try await runs(
                    [.equals("jobID", BSONValue(job))], sort: [.down("scheduledAt"), .down("createdAt")], limit: 1
                ).first
            }
            return last
        }

        public func skips(_ query: RunQuery) async throws -> [Skip] {
            var filter: DocumentFilter = []
            if let name = query.job {
                guard let job = try await number(of: name) else { return [] }
                filter.conditions.append(.equals("jobID", BSONValue(job)))
            }
            if let since = query.since { filter.conditions.append(.isAtLeast("through", BSONValue(since))) }
            if let until = query.until { filter.conditions.append(.isBelow("after", BSONValue(until))) }
            return try await documents.find(
                Layout.skips, filter, fields: [], sort: [.down("through")], limit: query.limit
            ).map { try SkipDocument.skip($0) }
        }

        public func hours(from start: Timestamp, to end: Timestamp) async throws -> [HourCount] {
            try await documents.find(
                Layout.hours,
                [.isAtLeast("hour", BSONValue(HourCount.hour(of: start))), .isAtMost("hour", BSONValue(end))]
            ).compactMap { document in
                guard let hour = document["hour"]?.time, let number = document["state"]?.integer,
                    let state = RunState(number: Int(number))
                else { return nil }
                return HourCount(
                    hour: hour, state: state, runs: Int(document["runs"]?.integer ?? 0),
                    took: document["took"]?.integer ?? 0)
            }
        }
    }

    /// A skip as a document.
    enum SkipDocument {
        /// What `RowCodec.skip` reads, in its order.
        private static let paths = [
            "jobID", "jobName", "revision", "after", "through", "reason", "detail", "recordedAt",
        ]

        static func skip(_ document: BSONDocument) throws -> Skip {
            try RowCodec.skip(DocumentRow(document: document, paths: paths))
        }

        /// What tells a skip from another one, however long it is.
        static func identity(_ skip: Skip) -> [DocumentFilter.Condition] {
            [
                .equals("jobID", BSONValue(skip.jobID)), .equals("reason", .string(skip.reason.rawValue)),
                .equals("revision", .int64(skip.revision)),
                skip.detail.map { .equals("detail", .string($0)) } ?? .isMissing("detail"),
            ]
        }

        static func fields(_ skip: Skip) -> BSONDocument {
            var document: BSONDocument = [
                "jobID": BSONValue(skip.jobID), "jobName": .string(skip.job), "revision": .int64(skip.revision),
                "after": BSONValue(skip.after), "through": BSONValue(skip.through),
                "reason": .string(skip.reason.rawValue), "recordedAt": BSONValue(skip.recordedAt),
            ]
            document.append("detail", some: skip.detail.map { .string($0) })
            return document
        }

        /// The same number for one that is written twice; another store can count on from it. Two may have the same.
        static func number(_ skip: Skip) -> Int64 {
            let text = "\(skip.jobID.number):\(skip.revision):\(skip.after.microseconds):\(skip.reason.rawValue):"
            return Int64(StableHash.hash((text + (skip.detail ?? "")).utf8) & 0xf_ffff_ffff_ffff)
        }
    }
#endif

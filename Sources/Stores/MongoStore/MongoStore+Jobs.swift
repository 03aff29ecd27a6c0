#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    import Synchronization
    public import Timetable

    /// What is read of jobs.
    extension MongoStore {
        /// Of the jobs that this store has, those that are not gone.
        static let present: [DocumentFilter.Condition] = [.exists("number"), .isNot("removed", true)]

        /// Numbers or names of one question to the server.
        private static let mostAtOnce = 5_000

        static func numbers(_ jobs: some Sequence<JobID>) -> DocumentFilter.Condition {
            .isOneOf("number", jobs.map { BSONValue($0) })
        }

        public func cursors() async throws -> [JobCursor] {
            let found = Gathered<JobCursor>()
            try await documents.scan(
                Layout.jobs, [JobDocument.planned], fields: JobDocument.cursorFields, sort: []
            ) { found.add($0.compactMap(JobDocument.cursor)) }
            return found.all.sorted { $0.id < $1.id }
        }

        public func jobs(ids: [JobID]) async throws -> [StoredJob] {
            let byID = try await jobsByID(ids) { try JobDocument.job($0, self.codec) }
            // Whoever opens a run of them has read them first.
            known.withLock { known in for job in byID.values { known.pins[job.id] = job.pinned } }
            return ids.compactMap { byID[$0] }
        }

        public func changing(_ ids: [JobID]) async throws -> [ChangingJob] {
            let byID = try await jobsByID(ids, [.exists("former")]) { try JobDocument.changing($0, self.codec) }
            return ids.compactMap { byID[$0] }
        }

        private func jobsByID<Value>(
            _ ids: [JobID], _ more: [DocumentFilter.Condition] = [], _ read: (BSONDocument) throws -> Value
        ) async throws -> [JobID: Value] {
            var byID: [JobID: Value] = [:]
            for start in stride(from: 0, to: ids.count, by: Self.mostAtOnce) {
                let some = ids[start..<min(start + Self.mostAtOnce, ids.count)]
                let found = try await documents.find(Layout.jobs, DocumentFilter([Self.numbers(some)] + more))
                for document in found {
                    if let id = document["number"]?.job { byID[id] = try read(document) }
                }
            }
            return byID
        }

        public func job(named name: String) async throws -> StoredJob? {
            try await documents.first(Layout.jobs, DocumentFilter([.equals("_id", .string(name))] + Self.present))
                .map { try JobDocument.job($0, codec) }
        }

        public func jobs(after name: String?, limit: Int) async throws -> [StoredJob] {
            var filter = DocumentFilter(Self.present)
            if let name { filter.conditions.append(.isAbove("_id", .string(name))) }
            return try await documents.find(Layout.jobs, filter, fields: [], sort: [.up("_id")], limit: limit)
                .map { try JobDocument.job($0, codec) }
        }

        public func jobs(_ query: JobQuery) async throws -> [StoredJob] {
            var filter = try await filter(query)
            if let name = query.after { filter.conditions.append(.isAbove("_id", .string(name))) }
            guard query.order == .next else {
                return try await documents.find(
                    Layout.jobs, filter, fields: [], sort: [.up("_id")], limit: query.limit
                ).map { try JobDocument.job($0, codec) }
            }
            // What has no time comes first where a server sorts, and is to come last.
            let isTimed: [DocumentFilter.Condition] = [.equals("on", true), .exists("nextDue")]
            var found = try await documents.find(
                Layout.jobs, DocumentFilter(filter.conditions + isTimed), fields: [],
                sort: [.up("nextDue"), .up("_id")], limit: query.limit)
            if found.count < query.limit {
                let isNot = DocumentFilter.Condition.any([[.isNot("on", true)], [.isMissing("nextDue")]])
                found += try await documents.find(
                    Layout.jobs, DocumentFilter(filter.conditions + [isNot]), fields: [], sort: [.up("_id")],
                    limit: query.limit - found.count)
            }
            return try found.map { try JobDocument.job($0, codec) }
        }

        public func count(_ query: JobQuery) async throws -> Int {
            try await documents.count(Layout.jobs, try await filter(query), upTo: nil)
        }

        public func schedules(limit: Int) async throws -> ScheduleCounts {
            let on = DocumentFilter(Self.present + [.equals("on", true)])
            let counted = try await documents.tally(Layout.jobs, on, by: "definition.schedule", above: 0)
            return ScheduleCounts(
                Dictionary(counted.compactMap { text, count in text.string.map { ($0, count) } }) { $1 }, limit: limit)
        }

        /// What a query asks of a job, as conditions.
        private func filter(_ query: JobQuery) async throws -> DocumentFilter {
            var filter = DocumentFilter(Self.present)
            if !query.names.isEmpty {
                filter.conditions.append(
                    .any(
                        query.names.map { name in
                            Glob.isPattern(name) ? [.isLike("_id", name)] : [.equals("_id", .string(name))]
                        }))
            }
            for tag in query.tags { filter.conditions.append(.equals("definition.tags", .string(tag))) }
            if let zone = query.zone {
                filter.conditions.append(.isLike("definition.schedule", "*" + JobTexts.part(ofZone: zone) + "*"))
            }
            if let target = query.target {
                filter.conditions.append(.equals("definition.kind", .string(target.rawValue)))
            }
            if let feed = query.feed { filter.conditions.append(.equals("definition.feed", .string(feed))) }
            if query.states.isEmpty { return filter }
            var states: [DocumentFilter] = []
            for state in query.states.sorted(by: { $0.rawValue < $1.rawValue }) {
                switch state {
                case .enabled: states.append([.equals("on", true)])
                case .disabled: states.append([.isNot("on", true), .isMissing("halted")])
                case .halted: states.append([.exists("halted")])
                case .failed: states.append([.isAbove("streak", 0)])
                case .active:
                    let active = try await documents.tally(
                        Layout.runs, [.equals("active", true)], by: "jobID", above: 0)
                    states.append([.isOneOf("number", Array(active.keys))])
                }
            }
            filter.conditions.append(.any(states))
            return filter
        }

        public func jobs(ofFeed feed: String) async throws -> [StoredJobDigest] {
            let found = Gathered<StoredJobDigest>()
            try await documents.scan(
                Layout.jobs, DocumentFilter([.equals("definition.feed", .string(feed))] + Self.present),
                fields: JobDocument.digestFields, sort: []
            ) { found.add($0.compactMap(JobDocument.digest)) }
            return found.all
        }

        public func jobs(cursorAfter time: Timestamp, in shards: Set<Shard>, limit: Int) async throws -> [StoredJob] {
            try await documents.find(
                Layout.jobs,
                DocumentFilter([.isAbove("cursor", BSONValue(time)), Self.among(shards)] + Self.present), fields: [],
                sort: [], limit: limit
            ).map { try JobDocument.job($0, codec) }
        }

        static func among(_ shards: some Collection<Shard>, _ path: String = "shard") -> DocumentFilter.Condition {
            if shards.count == 1, let only = shards.first { return .equals(path, BSONValue(only)) }
            // All shares of an instance alone, mostly.
            if let low = shards.min(), let high = shards.max(), Int(high.number) - Int(low.number) + 1 == shards.count {
                return .isWithin(path, BSONValue(low), BSONValue(high))
            }
            return .isOneOf(path, shards.map { BSONValue($0) })
        }

        /// So many shards at most are named in a question; whoever has more reads all there is, and leaves what is others'.
        private static let mostNamed = 512

        /// The conditions that name shards, where they are few enough.
        static func named(_ shards: Set<Shard>) -> [DocumentFilter.Condition] {
            let condition = among(shards)
            if case .isOneOf = condition, shards.count > mostNamed { return [] }
            return [condition]
        }

        public func definition(of job: JobID, revision: Int64) async throws -> Job? {
            guard var definition = try await jobs(ids: [job]).first?.job else { return nil }
            // The oldest schedule kept since then is the one that was in force.
            let old = try await documents.first(
                Layout.revisions, [.equals("jobID", BSONValue(job)), .isAtLeast("revision", .int64(revision))],
                sort: [.up("revision")])
            // One that cannot be read counts nothing.
            if let old {
                guard let text = old["schedule"]?.string, let schedule = try? RowCodec.decode(ScheduleText.self, text)
                else { return nil }
                definition.schedule = schedule
            }
            return definition
        }
    }

    /// What a scan brings, batch by batch, from whatever thread.
    final class Gathered<Element: Sendable>: Sendable {
        private let found = Mutex<[Element]>([])

        func add(_ some: [Element]) { found.withLock { $0 += some } }

        var all: [Element] { found.withLock { $0 } }
    }
#endif

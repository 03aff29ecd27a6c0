#if MongoDB
    import BusIntegration
    import CarillonCore
    import CarillonTestSupport
    import Logging
    import MongoClient
    import MongoStore
    import Testing
    import Timetable

    /// What Simple Scheduler's own programs ask of its database, word for word as published, asked of ours: they find nothing that
    /// is free, and what they may change breaks nothing.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct OriginalQueriesTests {
        private static let now = Original.now
        private static let later = BSONValue.date(Original.milliseconds(now) + 86_400_000)
        /// A manager of its, which comes while we schedule.
        private static let theirs = BSONValue.objectID(ObjectID("6799b53b33fcc6482f29c970") ?? .zero)

        /// `JobAggregatorFromDto`: a scheduler locks the jobs that it has and those that nobody has, by their `managerId`.
        private static func lock(_ manager: BSONValue, take: Int64?) -> [BSONDocument] {
            var pipeline: [BSONDocument] = [
                ["$match": ["$or": [["managerId": ["$eq": manager]], ["managerId": ["$exists": false]]]]],
                ["$sort": ["managerId": -1]],
            ]
            if let take { pipeline.append(["$limit": .int64(take)]) }
            return pipeline + [
                ["$set": ["managerId": manager, "heartbeat": later]],
                ["$merge": ["into": "jobs", "on": "_id", "whenMatched": "merge"]],
            ]
        }

        /// `JobLockFilterFromDto`: what it then has.
        private static func locked(_ manager: BSONValue) -> BSONDocument { ["managerId": ["$eq": manager]] }

        /// `JobUnlockFilterFromDto`, of the custodian: jobs of managers that have been silent.
        private static let stale: BSONDocument = ["heartbeat": ["$lt": later], "managerId": ["$exists": true]]

        /// The same, of a scheduler that ends, or has lost jobs.
        private static func held(_ manager: BSONValue, _ names: [BSONValue]?) -> BSONDocument {
            var filter: BSONDocument = ["managerId": ["$eq": manager]]
            if let names { filter.append("_id", ["$in": .array(names)]) }
            return filter
        }

        /// `JobUnlock`: nobody's.
        private static let unlock: BSONDocument = ["$set": ["managerId": .objectID(.zero)]]

        /// `Heartbeat` of the jobs that a scheduler has; it gives its id as a text.
        private static let heartbeat: BSONDocument = ["$set": ["heartbeat": later]]

        /// `RunFilterFromDto`: what custodians of runs and the API look for.
        private static func browse(
            job: String? = nil, status: String? = nil, createdBefore: BSONValue? = nil, startedBefore: BSONValue? = nil,
            heartbeatBefore: BSONValue? = nil
        ) -> BSONDocument {
            var filter: BSONDocument = [:]
            if let job { filter.append("jobName", ["$eq": .string(job)]) }
            if let status { filter.append("status", ["$eq": .string(status)]) }
            if let createdBefore { filter.append("createdTime", ["$lt": createdBefore]) }
            if let startedBefore { filter.append("startTime", ["$lt": startedBefore]) }
            if let heartbeatBefore { filter.append("heartbeat", ["$lt": heartbeatBefore]) }
            return filter
        }

        @Test func theyFindNothingFreeAndBreakNothing() async throws {
            let server = try MongoFixture(replicaSet: false)
            try await server.start()
            let client = try MongoClient(MongoConfiguration(url: server.address()), logger: .silent)
            let documents = ServerDocuments(client)
            let due = Self.now.adding(microseconds: 60_000_000)
            _ = try await documents.insert(
                "jobs",
                [
                    Original.job("a", next: due, every: 60_000, manager: Original.manager),
                    Original.job("b", next: due, every: 60_000, manager: .objectID(.zero)),
                    Original.job("c", next: due, every: 60_000),
                ])
            let past = Self.now.adding(microseconds: -60_000_000)
            _ = try await documents.insert(
                "runs",
                [
                    Original.run(1, of: "a", due: past, "completed", started: past, ended: past),
                    Original.run(2, of: "a", due: past, "running", started: past),
                    Original.run(3, of: "b", due: past, "pending"),
                ])
            let store = try await MongoStore(documents)
            #expect(try await TakingOver(store, signs: SeedSigns()).run(now: Self.now).jobs == 3)
            // One of our own, with a run.
            var own = try await store.jobs(after: nil, limit: 1)[0].job
            own.name = "own"
            _ = try await store.apply([.add(own, cursor: Self.now, nextDue: due, skips: [])], by: nil, now: Self.now)

            let jobs = client.collection("jobs")
            let runs = client.collection("runs")
            let before = try await Self.all(documents)

            // Its schedulers: nothing is free, whatever they want.
            for take in [nil, 10 as Int64?] { _ = try await jobs.aggregate(Self.lock(Self.theirs, take: take)) }
            #expect(try await jobs.find(MongoQuery(Self.locked(Self.theirs))).isEmpty)
            #expect(try await jobs.updateMany(Self.held(Self.theirs, nil), Self.unlock).matched == 0)
            #expect(try await jobs.updateMany(Self.held(Self.theirs, ["a", "own"]), Self.unlock).matched == 0)
            #expect(
                try await jobs.updateMany(
                    ["managerId": ["$eq": .string("6799b53b33fcc6482f29c970")]], Self.heartbeat
                ).matched == 0)
            #expect(try await jobs.updateMany(["managerId": ["$eq": Self.theirs]], Self.heartbeat).matched == 0)
            // Its custodian: no job's manager is silent.
            #expect(try await jobs.updateMany(Self.stale, Self.unlock).matched == 0)
            #expect(try await Self.all(documents) == before)

            // Its API: lists of jobs and runs.
            #expect(try await jobs.find(MongoQuery([:])).count == 4)
            #expect(try await jobs.findOne(["_id": ["$eq": "own"]])?["interval"]?.integer == 60_000)
            func found(_ filter: BSONDocument) async throws -> [String] {
                try await runs.find(MongoQuery(filter, sort: ["_id": 1])).compactMap { $0["status"]?.string }
            }
            #expect(try await found(Self.browse()) == ["completed", "running", "pending"])
            #expect(try await found(Self.browse(job: "a")) == ["completed", "running"])
            #expect(try await found(Self.browse(job: "a", status: "running", startedBefore: Self.later)) == ["running"])
            #expect(
                try await found(Self.browse(job: "b", status: "pending", createdBefore: Self.later)) == ["pending"])
            #expect(
                try await found(Self.browse(job: "a", status: "running", heartbeatBefore: Self.later)) == ["running"])
            #expect(try await found(Self.browse(createdBefore: .date(0))) == [])

            // What its API would change, by `JobUpdateFromDto` and `RunUpdateFromDto`: nothing of it is ours.
            let ours = try await Self.ours(store)
            _ = try await jobs.updateOne(
                ["_id": ["$eq": "a"]],
                ["$set": ["enabled": false, "nextRunAt": Self.later, "interval": 1, "maxQueueCount": 1]])
            _ = try await runs.updateOne(
                ["_id": ["$eq": .objectID(Original.id(2, at: past.seconds))]],
                ["$set": ["status": "cancelling", "endTime": Self.later]])
            #expect(try await Self.ours(store) == ours)
            // Its managers stand beside our instances.
            _ = try await client.collection("managers").insert([["_id": Self.theirs, "hostname": "h"]])
            #expect(try await store.instances().isEmpty)
            try await store.close()
        }

        private static func all(_ documents: any Documents) async throws -> [[String]] {
            var all: [[String]] = []
            for collection in ["jobs", "runs"] {
                all += try await documents.find(collection, [], sort: [.up("_id")]).map { document in
                    document.map { "\($0)" }.sorted()
                }
            }
            return all
        }

        private struct Ours: Equatable {
            var jobs: [StoredJob]
            var runs: [Run]
        }

        private static func ours(_ store: MongoStore) async throws -> Ours {
            Ours(jobs: try await store.jobs(after: nil, limit: 10), runs: try await store.runs(RunQuery(limit: 10)))
        }
    }
#endif

#if MongoDB
    import BlockingConnection
    import CarillonTestSupport
    import MongoClient
    import Synchronization
    import Testing

    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct OperationTests {
        @Test(arguments: [true, false])
        func whatTheServerIs(replicaSet: Bool) async throws {
            let rig = try await Rig(replicaSet: replicaSet)
            try await rig.client.ping()
            let server = try await rig.client.server()
            #expect(server.kind == (replicaSet ? .replicaSet("carillon") : .standalone))
            #expect(server.version.contains(".") && server.wireVersion >= 21)
            let time = try #require(server.time)
            let later = try await rig.client.time()
            #expect(time <= later && later - time < 60_000 && time > 1_700_000_000_000)
            // Everything that a store does, on one as on the other.
            let jobs = rig.client.collection("jobs")
            try await jobs.createIndexes([MongoIndex("number", ["number": 1], unique: true)])
            #expect(try await jobs.insert([["_id": "a", "number": 1]]).inserted == 1)
            #expect(try await jobs.updateOne(["_id": "a"], ["$set": ["number": 2]]).modified == 1)
            #expect(try await jobs.findOne(["number": 2])?["_id"] == "a")
        }

        @Test func finding() async throws {
            let rig = try await Rig()
            let runs = rig.client.collection("runs")
            #expect(try await runs.find(MongoQuery()).isEmpty)
            #expect(try await runs.findOne([:]) == nil)
            #expect(try await runs.count([:]) == 0)
            let result = try await runs.insert(
                (0..<2500).map { ["_id": .int64(Int64($0)), "even": .bool($0 % 2 == 0)] })
            #expect(result.inserted == 2500 && result.failures.isEmpty)
            let ids = { @Sendable (documents: [BSONDocument]) in documents.compactMap { $0["_id"]?.integer } }
            #expect(ids(try await runs.find(MongoQuery([:], sort: ["_id": 1]))) == Array(0..<2500))
            let highest = try await runs.find(MongoQuery(["even": true], sort: ["_id": -1], limit: 3))
            #expect(ids(highest) == [2498, 2496, 2494])
            #expect(try await runs.find(MongoQuery([:], limit: 0)).isEmpty)
            #expect(try await runs.count([:], upTo: 0) == 0)
            #expect(try await runs.findOne(["_id": 5], projection: ["_id": 1]) == ["_id": .int64(5)])
            #expect(try await runs.findOne(["even": true], sort: ["_id": -1])?["_id"] == .int64(2498))
            #expect(try await runs.count([:]) == 2500)
            #expect(try await runs.count(["even": true], upTo: 10) == 10)
            let batches = Mutex<[[Int64]]>([])
            var query = MongoQuery(["_id": ["$lt": 25]], sort: ["_id": 1])
            query.batch = 10
            let count = try await runs.scan(query) { batch in batches.withLock { $0.append(ids(batch)) } }
            #expect(count == 25 && batches.withLock { $0 } == [Array(0..<10), Array(10..<20), Array(20..<25)])
            struct Enough: Error {}
            await #expect(throws: Enough.self) { try await runs.scan(query) { _ in throw Enough() } }
            query.timeLimit = .milliseconds(1)
            query.batch = 1
            let slow = try await failure {
                try await runs.scan(query) { _ in
                    // Until the clock has moved on.
                    let began = ContinuousClock.now
                    while ContinuousClock.now - began < .milliseconds(2) {}
                }
            }
            #expect(slow.kind == .timedOut && slow.isOutcomeKnown, "\(slow)")
            #expect(try await runs.count([:]) == 2500)
        }

        @Test func pipelines() async throws {
            let rig = try await Rig()
            let runs = rig.client.collection("runs")
            try await runs.insert((0..<10).map { ["job": $0 < 7 ? "a" : "b", "took": .int32(Int32($0))] })
            let sums = try await runs.aggregate([
                ["$group": ["_id": "$job", "sum": ["$sum": "$took"]]], ["$sort": ["_id": 1]],
            ])
            #expect(sums.map { $0["sum"]?.integer } == [21, 24])
            #expect(try await runs.aggregate([["$match": ["job": "c"]]]).isEmpty)
            _ = try await runs.aggregate([["$match": ["job": "b"]], ["$merge": ["into": "old"]]])
            #expect(try await rig.client.collection("old").count([:]) == 3)
            let wrong = try await failure { try await runs.aggregate([["$nonsense": 1]]) }
            #expect(wrong.kind == .statement && wrong.code == 40324, "\(wrong)")
        }

        @Test func updating() async throws {
            let rig = try await Rig()
            let jobs = rig.client.collection("jobs")
            try await jobs.insert([["_id": "a", "version": 1], ["_id": "b", "version": 1]])
            let won = try await jobs.updateOne(["_id": "a", "version": 1], ["$inc": ["version": 1], "$set": ["x": 1]])
            #expect(won.matched == 1 && won.modified == 1 && won.upserted.isEmpty)
            let late = try await jobs.updateOne(["_id": "a", "version": 1], ["$inc": ["version": 1]])
            #expect(late.matched == 0 && late.modified == 0)
            let same = try await jobs.updateOne(["_id": "a"], ["$set": ["x": 1]])
            #expect(same.matched == 1 && same.modified == 0)
            let made = try await jobs.updateOne(["_id": "c"], ["$setOnInsert": ["version": 9]], upsert: true)
            #expect(made.matched == 0 && made.upserted == [0: "c"])
            let many = try await jobs.updateMany(["version": ["$lt": 5]], ["$set": ["seen": true]])
            #expect(many.matched == 2 && many.modified == 2)
            #expect(try await jobs.findOne(["_id": "a"]) == ["_id": "a", "version": 2, "x": 1, "seen": true])

            let before = try await jobs.findOneAndUpdate(["_id": "b"], ["$inc": ["version": 1]], returning: .before)
            #expect(before?["version"] == 1)
            let after = try await jobs.findOneAndUpdate(
                ["_id": "b"], ["$inc": ["version": 1]], projection: ["version": 1])
            #expect(after == ["_id": "b", "version": 3])
            #expect(try await jobs.findOneAndUpdate(["_id": "d"], ["$set": ["x": 1]]) == nil)
            let added = try await jobs.findOneAndUpdate(["_id": "d"], ["$set": ["x": 1]], upsert: true)
            #expect(added == ["_id": "d", "x": 1])
            #expect(
                try await jobs.findOneAndUpdate(["_id": "e"], ["$set": ["x": 1]], returning: .before, upsert: true)
                    == nil)
            let first = try await jobs.findOneAndUpdate([:], ["$set": ["first": true]], sort: ["_id": -1])
            #expect(first?["_id"] == "e")

            let wrong = try await failure { try await jobs.updateOne(["_id": "a"], ["$nonsense": ["x": 1]]) }
            #expect(wrong.kind == .statement && wrong.code == 9 && wrong.isOutcomeKnown, "\(wrong)")
            let whole = try await failure { try await jobs.updateOne(["_id": "a"], ["version": 1]) }
            #expect(whole.kind == .statement && whole.code == nil, "\(whole)")
        }

        @Test func deleting() async throws {
            let rig = try await Rig()
            let runs = rig.client.collection("runs")
            try await runs.insert((0..<10).map { ["_id": .int32(Int32($0))] })
            #expect(try await runs.deleteOne(["_id": 3]))
            #expect(try await !runs.deleteOne(["_id": 3]))
            #expect(try await runs.deleteMany(["_id": ["$gte": 5]]) == 5)
            #expect(try await runs.deleteMany(["_id": 99]) == 0)
            #expect(try await runs.count([:]) == 4)
        }

        @Test func severalWritesOfWhichSomeAreRefused() async throws {
            let rig = try await Rig()
            let runs = rig.client.collection("runs")
            #expect(try await runs.write([]).inserted == 0)
            let occurrence: BSONDocument = ["job": 1, "at": 1]
            try await runs.createIndexes([
                MongoIndex("occurrence", occurrence, unique: true, partial: ["at": ["$exists": true]])
            ])
            try await runs.insert([["_id": 1, "job": "a", "at": 10], ["_id": 2, "job": "a", "at": 20]])
            let inserted = try await runs.insert([
                ["_id": 3, "job": "a", "at": 10], ["_id": 4, "job": "a", "at": 30], ["_id": 2, "job": "b", "at": 1],
                ["_id": 5, "job": "a"], ["_id": 6, "job": "a"],
            ])
            #expect(inserted.inserted == 3 && inserted.duplicates == [0, 2])
            #expect(
                inserted.failures.map(\.duplicate) == [
                    MongoDuplicate(index: "occurrence", fields: ["job", "at"]),
                    MongoDuplicate(index: "_id_", fields: ["_id"]),
                ])
            let mixed = try await runs.write([
                .updateOne(["_id": 1], ["$set": ["state": "done"]]),
                .updateOne(["_id": 99], ["$set": ["state": "done"]]),
                .updateOne(["_id": 4], ["$set": ["at": 20]]), .insert(["_id": 1]),
                .updateOne(["_id": 7], ["$set": ["job": "c"]], upsert: true), .deleteOne(["_id": 5]),
                .updateMany(["job": "a"], ["$set": ["seen": true]]), .deleteMany(["_id": ["$in": [6, 42]]]),
                .insert(["_id": 8, "job": "d"]),
            ])
            #expect(mixed.duplicates == [2, 3] && mixed.failures.count == 2 && mixed.inserted == 1)
            #expect(mixed.upserted == [4: .int32(7)] && mixed.deleted == 2)
            #expect(mixed.matched >= 4 && mixed.modified >= 4)
            #expect(try await runs.count([:]) == 5)
            let one = try await failure { try await runs.updateOne(["_id": 4], ["$set": ["at": 20]]) }
            #expect(one.kind == .duplicate && one.code == 11000 && one.isOutcomeKnown && !one.isUnavailable, "\(one)")
            #expect(one.duplicate == MongoDuplicate(index: "occurrence", fields: ["job", "at"]))
            let found = try await failure { try await runs.findOneAndUpdate(["_id": 4], ["$set": ["at": 20]]) }
            #expect(found.kind == .duplicate && found.duplicate?.index == "occurrence", "\(found)")
            #expect(found.duplicate?.fields == ["job", "at"])
            // More than one message's worth.
            let text = BSONValue.string(String(repeating: "x", count: 1_000_000))
            let many = try await runs.insert((100..<160).map { ["_id": .int32($0), "text": text] } + [["_id": 100]])
            #expect(many.inserted == 60 && many.duplicates == [60])
        }

        @Test func indexes() async throws {
            let rig = try await Rig()
            let jobs = rig.client.collection("jobs")
            #expect(try await jobs.indexes().isEmpty)
            let wanted = [
                MongoIndex("number", ["number": 1], unique: true),
                MongoIndex("fresh", ["shard": 1, "due": -1], partial: ["fresh": true]),
            ]
            #expect(try await jobs.createIndexes(wanted) == ["number", "fresh"])
            #expect(try await jobs.createIndexes(wanted).isEmpty)
            #expect(try await Set(jobs.indexes().map(\.name)) == ["_id_", "number", "fresh"])
            // As another driver writes its numbers.
            #expect(try await jobs.createIndexes([MongoIndex("number", ["number": .double(1)], unique: true)]).isEmpty)
            let others = [
                MongoIndex("number", ["number": 1]), MongoIndex("number", ["number": -1], unique: true),
                MongoIndex("fresh", ["shard": 1, "due": -1]),
                MongoIndex("fresh", ["due": -1, "shard": 1], partial: ["fresh": true]),
                MongoIndex("fresh", ["shard": 1, "due": -1], partial: ["fresh": false]),
            ]
            for other in others {
                let error = try await failure { try await jobs.createIndexes([MongoIndex("new", ["x": 1]), other]) }
                #expect(
                    error.kind == .statement
                        && error.message.contains("collection jobs has another index named \(other.name)"))
            }
            #expect(try await jobs.indexes().count == 3)
            let runs = rig.client.collection("runs")
            try await runs.insert([["a": 1], ["a": 1]])
            let doubled = try await failure { try await runs.createIndexes([MongoIndex("a", ["a": 1], unique: true)]) }
            #expect(doubled.kind == .duplicate && doubled.duplicate?.index == "a", "\(doubled)")
        }

        @Test func commands() async throws {
            let rig = try await Rig()
            let wrong = try await failure { try await rig.client.run(["nonsense": 1]) }
            #expect(
                wrong.kind == .statement && wrong.code == 59
                    && wrong.description.hasPrefix("mongodb://127.0.0.1:\(rig.server.port)/carillon: "))
            for name in ["", "a$b", "a\u{0}b"] {
                #expect(try await failure { try await rig.client.collection(name).count([:]) }.kind == .statement)
            }
            let nowhere = try rig.another { $0.database = "" }
            #expect(try await failure { try await nowhere.collection("c").count([:]) }.message.contains("no database"))
            #expect(try await nowhere.run(["ping": 1], of: "admin")["ok"]?.double == 1)
        }
    }
#endif

#if MongoDB
    import BlockingConnection
    import CarillonTestSupport
    import Dispatch
    import Foundation
    import MongoClient
    import Testing

    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct LifeTests {
        @Test func callsAfterCloseFailAtOnce() async throws {
            let rig = try await Rig(threads: 1)
            try await rig.client.collection("c").insert([["_id": 1]])
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let gate = DispatchSemaphore(value: 0)
            async let running = rig.client.collection("c").scan(MongoQuery()) { _ in
                beginning.finish()
                gate.wait()
            }
            for await _ in begun {}
            async let waiting = failure { try await rig.client.ping() }
            async let closed: Void = rig.client.close()
            let late = try await failure {
                // One of the first may come before the close, and is dropped by it.
                while true { try await rig.client.ping() }
            }
            #expect(late.kind == .closed && !late.isUnavailable && "\(late)".hasSuffix("the client is closed"))
            #expect(try await waiting.kind == .closed)
            gate.signal()
            #expect(try await running == 1)
            await closed
            #expect(try await failure { try await rig.client.ping() }.kind == .closed)
            await rig.client.close()
        }

        @Test func asManyCallsAtATimeAsThreads() async throws {
            let rig = try await Rig(threads: 4)
            let client = rig.client
            try await client.collection("c").insert([["_id": 1]])
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let gate = DispatchSemaphore(value: 0)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await client.collection("c").scan(MongoQuery()) { _ in
                            beginning.yield()
                            gate.wait()
                        }
                    }
                }
                var count = 0
                for await _ in begun {
                    count += 1
                    if count == 4 { break }
                }
                for _ in 0..<4 { gate.signal() }
                for try await found in group { #expect(found == 1) }
            }
            // And more of them wait their turn.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        try await client.collection("c").updateOne(
                            ["_id": .int32(Int32(number % 7))], ["$inc": ["n": 1]], upsert: true)
                    }
                }
                try await group.waitForAll()
            }
            let sum = try await client.collection("c").aggregate([["$group": ["_id": nil, "n": ["$sum": "$n"]]]])
            #expect(sum.first?["n"]?.integer == 200)
        }

        @Test func nothingIsLeftOfTwentyClients() async throws {
            let rig = try await Rig()
            try await rig.client.ping()
            // The library's own have the name of the thread that made them.
            let own = Self.threads(rig)
            #expect(own > 0)
            for close in [true, false] {
                var clients = try (0..<20).map { _ in try rig.another(threads: 2) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in clients {
                        for _ in 0..<2 { group.addTask { _ = try await client.ping() } }
                    }
                    try await group.waitForAll()
                }
                #expect(Self.threads(rig) >= own + 40)
                if close { for client in clients { await client.close() } }
                clients = []
                try await eventually("the threads end") { Self.threads(rig) == own }
            }
            try await rig.client.ping()
            // Those of the call and of the signs of life.
            #expect(1...3 ~= Self.sockets(to: rig.server.port).count)
            #expect(Self.inheritable(to: rig.server.port).isEmpty)
            await rig.client.close()
            #expect(Self.sockets(to: rig.server.port).isEmpty)
        }

        @Test func aHundredThousandDocuments() async throws {
            let rig = try await Rig(options: "?socketTimeoutMS=60000")
            let jobs = rig.client.collection("jobs")
            var began = ContinuousClock.now
            for part in 0..<100 {
                let documents = (0..<1000).map { number -> BSONDocument in
                    let number = Int32(part * 1000 + number)
                    return [
                        "_id": .string("job-\(number)"), "number": .int32(number), "shard": .int32(number % 4096),
                        "version": .int64(1), "cursor": .int64(1_700_000_000_000_000),
                        "nextRunAt": .date(1_700_000_000_000),
                        "enabled": true, "args": ["frappe.tasks.some_method_of_an_application", 7, nil],
                    ]
                }
                #expect(try await jobs.insert(documents).inserted == 1000)
            }
            print("100,000 documents written in \(ContinuousClock.now - began)")
            began = ContinuousClock.now
            var query = MongoQuery()
            query.timeLimit = .seconds(60)
            let count = try await jobs.scan(query) { batch in
                for document in batch {
                    let fields = BSONFields(document, of: "jobs")
                    _ = try (
                        fields.string("_id"), fields.integer("number"), fields.date("nextRunAt"), fields.bool("enabled")
                    )
                }
            }
            #expect(count == 100_000)
            print("100,000 documents read in \(ContinuousClock.now - began)")
        }

        /// The clients' threads of one server, by their name, without the library's own.
        private static func threads(_ rig: Rig) -> Int {
            let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
            return tasks.count {
                (try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8))
                    == "mongo:\(rig.server.port)\n"
            }
        }

        /// Open descriptors of connections to a port.
        private static func sockets(to port: Int) -> [String] {
            // Of such a file `String(contentsOfFile:)` reads the first page alone.
            let table = (try? FileHandle(forReadingAtPath: "/proc/self/net/tcp")?.readToEnd()) ?? Data()
            let lines = String(decoding: table, as: UTF8.self).split(separator: "\n")
            let suffix = ":" + String(format: "%04X", port)
            // Columns of proc(5): the other end is the third, the inode the tenth.
            let inodes = Set(
                lines.map { $0.split(separator: " ") }.filter { $0.count > 9 && $0[2].hasSuffix(suffix) }.map {
                    "socket:[\($0[9])]"
                })
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
            return all.filter { descriptor in
                // Foundation goes by the size of a link, which is 0 for these.
                var target = [CChar](repeating: 0, count: 100)
                let count = readlink("/proc/self/fd/" + descriptor, &target, target.count)
                return inodes.contains(
                    String(decoding: target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self))
            }
        }

        /// Those of them that a program would inherit.
        private static func inheritable(to port: Int) -> [String] {
            sockets(to: port).filter { fcntl(Int32($0) ?? -1, F_GETFD) & FD_CLOEXEC == 0 }
        }
    }
#endif

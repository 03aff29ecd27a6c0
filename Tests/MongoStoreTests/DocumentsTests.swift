#if MongoDB
    import CarillonTestSupport
    import Logging
    import MongoClient
    import MongoStore
    import Testing

    /// The operations of the store, in memory and on a server: both are to do the same.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct DocumentsTests {
        private static let numbered: [DocumentUpdate] = [
            DocumentUpdate([.equals("_id", "a"), .equals("version", 1)], [.set("seen", true), .add("version", 1)]),
            DocumentUpdate([.equals("_id", "a"), .equals("version", 1)], [.add("version", 1)]),
            DocumentUpdate([.equals("_id", "b")], [.set("number", .int64(1))]),
            DocumentUpdate(
                [.equals("_id", "new"), .isMissing("gone")], [.setOnInsert("made", true), .set("x", 1)], upsert: true),
            DocumentUpdate([.equals("_id", "a")], [.setOnInsert("made", true), .raise("top", 3)], upsert: true),
        ]

        /// Does what a store does, and writes down what comes of it.
        private static func story(_ documents: any Documents) async throws -> [String] {
            var told: [String] = []
            let index = DocumentIndex("number", ["number"], unique: true, partial: [.exists("number")])
            try await documents.prepare("jobs", [index, DocumentIndex("tags", ["tags"])])
            try await documents.prepare("jobs", [index])
            let inserted = try await documents.insert(
                "jobs",
                [
                    ["_id": "a", "number": .int64(1), "version": .int64(1), "tags": ["x", "y"], "at": .date(5)],
                    ["_id": "b", "number": .int32(2), "version": .int64(1), "inner": ["deep": ["n": 7]]],
                    ["_id": "c", "number": .double(1)], ["_id": "d"], ["_id": "e"], ["_id": "a"],
                ])
            told.append(
                "\(inserted.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.index) \($0.value.fields)" })")
            told.append("\(try await documents.updateEach("jobs", numbered))")
            func change(_ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool = false) async throws {
                let found = try await documents.change("jobs", filter, change, upsert: upsert)
                told.append("\(found.map { $0.sorted { $0.name < $1.name }.map { "\($0)" } } ?? [])")
            }
            try await change(
                [.equals("_id", "b")],
                [.add("version", 5), .unset("inner.deep"), .set("other.deep", "ü"), .unset("no.thing")])
            try await change([.equals("_id", "z")], [.add("version", 5)])
            try await change([.equals("_id", "counter")], [.add("value", 3)], upsert: true)
            try await change([.equals("_id", "counter")], [.add("value", 4)], upsert: true)
            try await change([.equals("_id", "b")], [.set("number", 1)])
            told.append(
                "\(try await documents.update("jobs", [.equals("_id", "a")], [.raise("top", 2), .raise("version", 9)], upsert: false))"
            )
            told.append("\(try await documents.updateAll("jobs", [.isMissing("number")], [.set("late", true)]))")
            let filters: [DocumentFilter] = [
                [], [.equals("tags", "x")], [.equals("tags", ["x", "y"])], [.isOneOf("tags", ["q", "y"])],
                [.isNot("tags", "x")],
                [.isBelow("number", 2)], [.isAtMost("number", .double(2))], [.isAbove("number", 1)],
                [.isAtLeast("number", 1)],
                [.isAbove("at", .date(4))], [.isAbove("at", 4)], [.isAtLeast("_id", "b"), .isBelow("_id", "e")],
                [.exists("number"), .equals("version", .int32(9))], [.exists("other.deep")],
                [.equals("other.deep", "ü")],
                [.any([[.equals("_id", "a")], [.equals("late", true), .isNot("_id", "d")]])], [.any([])],
                [.isOneOf("_id", [])],
                [.isMissing("no.such.thing"), .equals("made", true)],
            ]
            for filter in filters {
                let found = try await documents.find("jobs", filter, sort: [.up("_id")])
                told.append("\(found.compactMap { $0["_id"]?.string })")
                told.append("\(try await documents.count("jobs", filter, upTo: 3))")
            }
            let sorted = try await documents.find(
                "jobs", [], fields: ["number"], sort: [.down("number"), .up("_id")], limit: 4)
            told.append("\(sorted.compactMap { $0["_id"]?.string })")
            told.append("\(try await documents.delete("jobs", [.equals("late", true)]))")
            for document in try await documents.find("jobs", [], sort: [.up("_id")]) {
                told.append("\(document.sorted { $0.name < $1.name }.map { "\($0)" })")
            }
            return told
        }

        @Test func memoryDoesWhatAServerDoes() async throws {
            let server = try MongoFixture(replicaSet: false)
            try await server.start()
            let client = try MongoClient(MongoConfiguration(url: server.address()), logger: .silent)
            let (real, memory) = (
                try await Self.story(ServerDocuments(client)), try await Self.story(MemoryDocuments())
            )
            for (one, two) in zip(real, memory) { #expect(one == two) }
            #expect(real.count == memory.count)
        }

        @Test func anOperationMayBeTheLast() async throws {
            let documents = MemoryDocuments { $0 == 1 ? .before : $0 == 2 ? .after : nil }
            #expect(try await documents.insert("c", [["_id": 1]]).isEmpty)
            await #expect(throws: MemoryDocuments.interrupted) { try await documents.insert("c", [["_id": 2]]) }
            #expect(try await documents.count("c", [], upTo: nil) == 1)
            await #expect(throws: MemoryDocuments.interrupted) { try await documents.insert("c", [["_id": 2]]) }
            #expect(try await documents.count("c", [], upTo: nil) == 2)
            #expect(
                try await documents.insert("c", [["_id": 2]]) == [0: MongoDuplicate(index: "_id_", fields: ["_id"])])
        }
    }
#endif

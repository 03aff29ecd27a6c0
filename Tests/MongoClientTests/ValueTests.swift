#if MongoDB
    import BlockingConnection
    import CarillonTestSupport
    import MongoClient
    import Testing

    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct ValueTests {
        private static let all: BSONDocument = [
            "_id": .objectID(ObjectID("0123456789abcdefABCDEF00") ?? .zero),
            "double": .double(-1.5), "empty": "", "text": .string("bells \u{0} ring: 🔔 ä"),
            "document": ["b": 1, "a": ["deeper": [:]]], "array": [1, "two", [nil, true], []],
            "bytes": .binary([0, 1, 255], subtype: 0), "no bytes": .binary([], subtype: 0),
            "uuid": .binary(Array(0..<16), subtype: 4), "zero": .objectID(.zero), "yes": true, "no": false,
            "date": .date(1_700_000_000_123), "before": .date(-1), "null": nil, "int32": .int32(.min),
            "int64": .int64(.max), "small": .int64(7),
        ]

        @Test func everyTypeComesBackAsItWentIn() async throws {
            let rig = try await Rig()
            let values = rig.client.collection("values")
            try await values.insert([Self.all])
            let found = try #require(try await values.findOne([:]))
            #expect(found == Self.all)
            #expect(found.map(\.name) == Self.all.map(\.name))
            for (name, value) in Self.all { #expect(try await values.count([name: value]) == 1, "\(name)") }
        }

        @Test func typesThatAreNotOursAreReadAndNotWritten() async throws {
            let rig = try await Rig()
            let answer = try await rig.client.run(["hello": 1], of: "admin")
            // A timestamp of BSON.
            #expect(answer["operationTime"] == .other(type: 17))
            let error = try await failure { try await rig.client.collection("c").insert([["a": .other(type: 17)]]) }
            #expect(error.kind == .statement && error.message.contains("type 17"), "\(error)")
        }

        @Test func documentsHaveBounds() async throws {
            let rig = try await Rig()
            let values = rig.client.collection("values")
            let nest = { (levels: Int) in
                (1..<levels).reduce(BSONValue.document([:])) { inner, _ in ["a": inner] }.document ?? [:]
            }
            try await values.insert([nest(99)])
            let deep = try await failure { try await values.insert([nest(101)]) }
            #expect(deep.kind == .statement && deep.message.contains("100 deep"), "\(deep)")
            let array = (1..<200).reduce(BSONValue.array([])) { inner, _ in [inner] }
            #expect(try await failure { try await values.insert([["a": array]]) }.message.contains("100 deep"))
            try await values.insert([["_id": 1, "text": .string(String(repeating: "x", count: 16_000_000))]])
            #expect(try await values.findOne(["_id": 1])?["text"]?.string?.utf8.count == 16_000_000)
            let large = try await failure {
                try await values.insert([["text": .string(String(repeating: "x", count: 16_777_216))]])
            }
            #expect(large.kind == .statement && large.message.contains("16777216 bytes"), "\(large)")
            let half = BSONValue.binary([UInt8](repeating: 7, count: 9_000_000), subtype: 0)
            #expect(try await failure { try await values.insert([["a": half, "b": ["c": half]]]) }.kind == .statement)
            let zero = try await failure { try await values.insert([["a\u{0}b": 1]]) }
            #expect(zero.kind == .statement && zero.message.contains("zero byte"), "\(zero)")
            #expect(try await values.count([:]) == 2)
        }

        @Test func anObjectIDIsTwelveBytes() {
            let id = ObjectID("00000001ffffffff0000abcd")
            #expect(id?.description == "00000001ffffffff0000abcd")
            #expect(id?.bytes == [0, 0, 0, 1, 255, 255, 255, 255, 0, 0, 0xab, 0xcd])
            #expect(id.flatMap { ObjectID(bytes: $0.bytes) } == id)
            for wrong in [
                "", "0", "0000000000000000000000000", "+00000000000000000000000", "0000000000000000 0000000",
                "zz0000000000000000000000",
            ] {
                #expect(ObjectID(wrong) == nil, "\(wrong)")
            }
            #expect(ObjectID(bytes: [1, 2]) == nil)
            let ordered = ["000000000000000000000001", "0000000100000000000000ff", "ff0000000000000000000000"].map {
                ObjectID($0)
            }
            #expect(ObjectID.zero < ordered[0] ?? .zero && ordered.compactMap { $0 }.sorted() == ordered)
        }

        @Test func aDocumentKeepsItsOrder() {
            var document: BSONDocument = ["b": 1, "a": 2]
            document["c"] = 3
            document["b"] = "new"
            #expect(document.map(\.name) == ["b", "a", "c"] && document["b"] == "new")
            document["a"] = nil
            document["none"] = nil
            #expect(document == ["b": "new", "c": 3] && document != ["c": 3, "b": "new"])
            document.append("b", 9)
            #expect(document["b"] == "new" && document.count == 3)
            #expect(BSONValue.int64(1) != 1 && 5_000_000_000 == BSONValue.int64(5_000_000_000))
        }

        @Test func fieldsSayWhatIsWrongAndWhere() throws {
            let fields = BSONFields(
                [
                    "_id": "nightly", "text": "t", "yes": true, "three": .double(3), "half": .double(0.5),
                    "big": .int64(.max),
                    "date": .date(5), "id": .objectID(.zero), "bytes": .binary([1], subtype: 0), "list": [1],
                    "inner": ["deep": ["name": 7]], "null": nil,
                ], of: "jobs")
            #expect(try fields.string("text") == "t" && fields.bool("yes") && fields.integer("three") == 3)
            #expect(try fields.double("half") == 0.5 && fields.double("three") == 3 && fields.integer("big") == .max)
            #expect(try fields.date("date") == 5 && fields.objectID("id") == .zero && fields.bytes("bytes") == [1])
            #expect(try fields.array("list") == [1] && fields.fields("inner").document == ["deep": ["name": 7]])
            #expect(try fields.stringIfPresent("none") == nil && fields.dateIfPresent("null") == nil)
            #expect(try fields.fieldsIfPresent("none") == nil && fields.integerIfPresent("big") == .max)
            let wrong: [(String, () throws(BSONMismatch) -> Void)] = [
                (
                    "jobs nightly: field none: expected a text, found nothing",
                    { () throws(BSONMismatch) in _ = try fields.string("none") }
                ),
                (
                    "jobs nightly: field null: expected a date, found null",
                    { () throws(BSONMismatch) in _ = try fields.date("null") }
                ),
                (
                    "jobs nightly: field text: expected a whole number, found a text",
                    { () throws(BSONMismatch) in _ = try fields.integerIfPresent("text") }
                ),
                (
                    "jobs nightly: field half: expected a whole number, found a double",
                    { () throws(BSONMismatch) in _ = try fields.integer("half") }
                ),
                (
                    "jobs nightly: field inner.deep.name: expected a text, found a whole number",
                    { () throws(BSONMismatch) in _ = try fields.fields("inner").fields("deep").string("name") }
                ),
            ]
            for (text, read) in wrong {
                let error = #expect(throws: BSONMismatch.self) { try read() }
                #expect("\(error, default: "")" == text)
            }
            let none = #expect(throws: BSONMismatch.self) { _ = try BSONFields([:], of: "runs").bool("active") }
            #expect("\(none, default: "")" == "runs: field active: expected a truth value, found nothing")
        }
    }

#endif

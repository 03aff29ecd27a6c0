import CarillonCore
import Testing
import Timetable

/// The language of `--json`.
@Suite struct PublicJSONTests {
    private struct Sample: Codable {
        var name: String
        var at: Timestamp
        var later: Timestamp?
        var exitCode: Int32?
        var seconds: Double?
        var tags: [String]
        var inner: Inner?
        var isOn: Bool

        struct Inner: Codable {
            var zone: String?
            var at: Timestamp?
        }
    }

    @Test func everyKeyIsThereInItsOrder() throws {
        let sample = Sample(
            name: "a", at: Timestamp(seconds: 1_767_225_600), tags: ["x"],
            inner: .init(at: Timestamp(microseconds: 1_767_225_600_000_001)), isOn: true)
        #expect(
            try PublicJSON.encode(sample)
                == #"{"name":"a","at":"2026-01-01T00:00:00.000000Z","later":null,"exitCode":null,"seconds":null,"#
                + #""tags":["x"],"inner":{"zone":null,"at":"2026-01-01T00:00:00.000001Z"},"isOn":true}"#)
    }

    /// A program's words must neither break the line nor play with the terminal.
    @Test func oneLineFitForATerminal() throws {
        #expect(
            try PublicJSON.encode("a\n\u{1b}[31m\u{202e}\u{85}\u{e0041}\"\\/ü")
                == #""a\n\u001b[31m\u202e\u0085\udb40\udc41\"\\/ü""#)
    }

    @Test func objectsKeepTheirOrderAndTheirGaps() throws {
        let object = JSONObject([
            ("z", "1"), ("a", Int64?.none), ("when", Timestamp?(Timestamp(seconds: 0))), ("list", [1.5, 2]),
        ])
        #expect(
            try PublicJSON.encode(object) == #"{"z":"1","a":null,"when":"1970-01-01T00:00:00.000000Z","list":[1.5,2]}"#)
    }

    private struct Shared: Recurring { var unit: String? }
    private struct Item: Encodable {
        var name: String
        var shared: Shared
    }

    @Test func linesSayWhatEachValueSays() throws {
        let items = [
            Item(name: "a", shared: Shared(unit: "s")), Item(name: "b\u{85}", shared: Shared(unit: nil)),
            Item(name: "c", shared: Shared(unit: "s")), Item(name: "d", shared: Shared(unit: "ß\u{1b}")),
            Item(name: "e", shared: Shared(unit: "ß\u{1b}")), Item(name: "f", shared: Shared(unit: nil)),
        ]
        var lines = PublicJSON.Lines()
        for item in items { try lines.append(item) }
        let alone = try items.map { try PublicJSON.encode($0) + "\n" }.joined()
        #expect(String(decoding: lines.bytes, as: UTF8.self) == alone)
    }

    /// What an encoder may do beside writing keys one after the other.
    private struct Winding: Encodable {
        enum Key: CodingKey { case z, a, list, none, last }

        func encode(to encoder: any Encoder) throws {
            var object = encoder.container(keyedBy: Key.self)
            var inner = object.nestedContainer(keyedBy: Key.self, forKey: .z)
            try inner.encode(1, forKey: .z)
            _ = inner.superEncoder(forKey: .none)
            try inner.encode(Set<Int>(), forKey: .a)
            var list = object.nestedUnkeyedContainer(forKey: .list)
            _ = list.superEncoder()
            var last = list.nestedUnkeyedContainer()
            try last.encode("x")
            _ = object.superEncoder(forKey: .none)
            // The same object, asked for again.
            var again = encoder.container(keyedBy: Key.self)
            try again.encode(true, forKey: .a)
            _ = again.nestedContainer(keyedBy: Key.self, forKey: .last)
        }
    }

    @Test func whatIsBegunIsClosed() throws {
        #expect(
            try PublicJSON.encode(Winding())
                == #"{"z":{"z":1,"none":null,"a":[]},"list":[null,["x"]],"none":null,"a":true,"last":{}}"#)
        #expect(
            String(decoding: try CanonicalJSON.encode([Winding()]), as: UTF8.self)
                == #"[{"a":true,"last":{},"list":[null,["x"]],"none":null,"z":{"a":[],"none":null,"z":1}}]"#)
    }

    @Test func aNumberThatIsNoneIsRefused() {
        #expect(throws: EncodingError.self) { try PublicJSON.encode([Double.infinity]) }
    }

    /// What stores compare has stayed as it was: sorted, without what is absent, times as numbers.
    @Test func theStoredFormIsAnother() throws {
        let sample = Sample(name: "a", at: Timestamp(seconds: 1), tags: [], isOn: false)
        #expect(
            String(decoding: try CanonicalJSON.encode(sample), as: UTF8.self)
                == #"{"at":1000000,"isOn":false,"name":"a","tags":[]}"#)
    }
}

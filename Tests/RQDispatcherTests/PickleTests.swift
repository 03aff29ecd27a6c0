import CarillonCore
import CarillonTestSupport
import Foundation
import RQDispatcher
import Testing

/// What Carillon writes, read by Python itself.
@Suite struct PickleTests {
    private static let special: [PlainValue] = [
        .null, .bool(true), .bool(false), .integer(0), .integer(-1), .integer(255), .integer(256), .integer(65_536),
        .integer(Int64(Int32.max)), .integer(Int64(Int32.min)), .integer(Int64(Int32.max) + 1),
        .integer(Int64(Int32.min) - 1), .integer(.max), .integer(.min), .bigInteger("9223372036854775808"),
        .bigInteger("-9223372036854775809"), .bigInteger("170141183460469231731687303715884105728"),
        .bigInteger("-340282366920938463463374607431768211456"), .bigInteger("-128"), .bigInteger("255"),
        .bigInteger(String(repeating: "7", count: 700)), .double(0), .double(-0.0), .double(1), .double(1.5e300),
        .double(.leastNonzeroMagnitude), .double(-123.456), .double(1e16), .double(100), .text(""),
        .text("ü€𝄞\u{0}\n\"'\\"),
        .text(String(repeating: "long ", count: 20_000)), .list([]), .map([]),
        .list([.list([.list([])]), .map([.init("ключ", .list([.null, .map([.init("", .bool(false))])]))])]),
    ]

    /// Every value by itself and thousands of nested ones, through both serializers.
    @Test func pythonReadsWhatWasMeant() throws {
        var random = Seeded(state: 20_261_121)
        let values = Self.special + (0..<3_000).map { _ in Self.value(&random, depth: 4) }
        var lines = ""
        for value in values {
            let target = RQTarget(function: "a.b", arguments: [value, value], keywords: [.init("k", value)])
            let pickle = PickleWriter.call(target).map { String(format: "%02x", $0) }.joined()
            lines += "\(pickle) \(Self.python(value)) \(String(decoding: JSONCall.call(target), as: UTF8.self))\n"
        }
        let answer = try Python.run(
            """
            import ast, json, pickle, sys
            def same(a, b):
                if type(a) is not type(b): return False
                if isinstance(a, list): return len(a) == len(b) and all(map(same, a, b))
                if isinstance(a, dict): return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
                return repr(a) == repr(b)
            bad = count = 0
            for line in sys.stdin.read().split("\\n")[:-1]:
                data, meant, text = line.split(" ", 2)
                want = ast.literal_eval(bytes.fromhex(meant).decode("utf-8"))
                for call, instance, args, kwargs in (pickle.loads(bytes.fromhex(data)), json.loads(text)):
                    good = (call, instance) == ("a.b", None) and same(list(args), [want, want]) and same(kwargs, {"k": want})
                    bad += not good
                    if not good: print(line[:200])
                    count += 1
                if not isinstance(pickle.loads(bytes.fromhex(data))[2], tuple): bad += 1
            print(count, bad)
            """, input: lines)
        #expect(answer == "\(values.count * 2) 0\n")
    }

    @Test func notANumberIsForThePickleAlone() throws {
        let target = RQTarget(
            function: "a.b", arguments: [.double(.nan), .double(.infinity), .double(-.infinity)])
        let hex = PickleWriter.call(target).map { String(format: "%02x", $0) }.joined()
        let answer = try Python.run("import pickle; print(pickle.loads(bytes.fromhex('\(hex)'))[2])", input: "")
        #expect(answer == "(nan, inf, -inf)\n")
        #expect(target.arguments.map(\.isJSON) == [false, false, false])
    }

    @Test func callsAreDescribedAsPythonWritesThem() {
        let target = RQTarget(
            function: "shop.tasks.sync", arguments: [.integer(1), .map([.init("a", .text("ü"))]), .text("it's")],
            keywords: [.init("dry", .bool(false)), .init("at", .null)])
        #expect(CallText.describe(target) == "shop.tasks.sync(1, {'a': 'ü'}, \"it's\", at=None, dry=False)")
        let lines = RQTarget(function: "a.b", arguments: [.text("one\r\ntwo\n")])
        #expect(CallText.describe(lines) == #"a.b('one\r\ntwo\n')"#)
    }

    /// As a Python literal, in hexadecimal digits so that a line stays a line.
    private static func python(_ value: PlainValue) -> String {
        literal(value).utf8.map { String(format: "%02x", $0) }.joined()
    }

    private static func literal(_ value: PlainValue) -> String {
        switch value {
        case .null: "None"
        case .bool(let bool): bool ? "True" : "False"
        case .integer(let number): "\(number)"
        case .bigInteger(let digits): digits
        case .double(let number): "\(number)"
        case .text(let text): "'" + text.unicodeScalars.map { "\\U" + String(format: "%08x", $0.value) }.joined() + "'"
        case .list(let values): "[" + values.map(literal).joined(separator: ",") + "]"
        case .map(let entries):
            "{" + entries.map { literal(.text($0.key)) + ":" + literal($0.value) }.joined(separator: ",") + "}"
        }
    }

    private static func value(_ random: inout Seeded, depth: Int) -> PlainValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2:
            .integer(
                Int64.random(in: Int64.min...Int64.max, using: &random) >> Int64.random(in: 0..<64, using: &random))
        case 3: .bigInteger((Bool.random(using: &random) ? "-" : "") + digits(&random))
        case 4: .double(finite(&random))
        case 5, 6: .text(text(&random))
        case 7: .list((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(&random, depth: depth - 1) })
        default:
            .map(
                (0..<Int.random(in: 0..<4, using: &random)).map { index in
                    .init("\(index)" + text(&random), value(&random, depth: depth - 1))
                })
        }
    }

    private static func digits(_ random: inout Seeded) -> String {
        "1"
            + String(
                (0..<Int.random(in: 19..<80, using: &random)).map { _ in
                    "0123456789".randomElement(using: &random) ?? "0"
                })
    }

    private static func finite(_ random: inout Seeded) -> Double {
        let number = Double(bitPattern: random.next())
        return number.isFinite ? number : 0.1
    }

    private static func text(_ random: inout Seeded) -> String {
        String(
            String.UnicodeScalarView(
                (0..<Int.random(in: 0..<12, using: &random)).compactMap { _ in
                    Unicode.Scalar(UInt32.random(in: 0..<0x2_0000, using: &random))
                }))
    }
}

/// The same numbers in every run (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

enum Python {
    /// Runs a program of the system's Python and answers what it printed.
    static func run(_ program: String, input: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program]
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("python-\(UUID().uuidString)")
        try Data(input.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe.unshared()
        process.standardOutput = output
        try process.start()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.awaitEnd()
        return String(decoding: data, as: UTF8.self)
    }
}

import CarillonTestSupport
import CommandSupport
import Foundation
import Testing

/// The log's file: rotated by size, and never lost to whoever moves it.
@Suite struct LogFileTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/log" }

    init() throws { folder = try TemporaryFolder() }

    private func text(_ suffix: String = "") -> String? { try? String(contentsOfFile: path + suffix, encoding: .utf8) }

    /// Lines of ten bytes.
    private func lines(_ numbers: ClosedRange<Int>) -> [String] { numbers.map { "line    \($0)" } }

    private func written(_ numbers: ClosedRange<Int>) -> String { lines(numbers).map { $0 + "\n" }.joined() }

    @Test(arguments: [true, false]) func itIsRotatedAndSoManyAreKept(_ atOnce: Bool) throws {
        var file = try #require(LogFile(path: path, largest: 20, keep: 2))
        if atOnce {
            #expect(file.append(lines(1...9)) == 0)
        } else {
            for line in lines(1...9) { #expect(file.append([line]) == 0) }
        }
        #expect(text() == written(9...9) && text(".1") == written(7...8) && text(".2") == written(5...6))
        #expect(text(".3") == nil)
    }

    @Test func withoutOthersKeptItBeginsAnew() throws {
        var file = try #require(LogFile(path: path, largest: 20, keep: 0))
        #expect(file.append(lines(1...3)) == 0)
        #expect(text() == written(3...3) && text(".1") == nil)
    }

    /// What a daemon before wrote counts.
    @Test func itGoesOnInAFileThatIsThere() throws {
        try folder.write("log", written(1...1))
        var file = try #require(LogFile(path: path, largest: 20, keep: 1))
        #expect(file.append(lines(2...2)) == 0 && text() == written(1...2))
        #expect(file.append(lines(3...3)) == 0 && text() == written(3...3) && text(".1") == written(1...2))
    }

    @Test func aLongLineIsWrittenWhole() throws {
        var file = try #require(LogFile(path: path, largest: 20, keep: 1))
        let long = String(repeating: "x", count: 100)
        #expect(file.append(["a", long, "b"]) == 0)
        #expect(text() == "b\n" && text(".1") == long + "\n")
    }

    @Test func aFileThatWasMovedIsNoticed() throws {
        var file = try #require(LogFile(path: path, largest: 1_000, keep: 1))
        #expect(file.append(["one"]) == 0)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
        #expect(file.append(["two"]) == 0)
        #expect(text(".old") == "one\n" && text() == "two\n")
    }

    @Test func linesThatFindNoRoomAreCounted() async throws {
        let sink = try LogSink(path: path, largest: 1_000_000, keep: 1)
        for number in 0..<100 { sink.write("line \(number)") }
        await sink.flush()
        #expect(text()?.split(separator: "\n").count == 100)
        #expect(LogFile(path: folder.path + "/nowhere/log", largest: 1, keep: 1) == nil)
    }
}

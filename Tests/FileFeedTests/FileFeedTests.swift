import CarillonCore
import CarillonTestSupport
import FileFeed
import Foundation
import Testing
import Timetable

@Suite struct FileFeedTests {
    private let folder: TemporaryFolder
    private let feed: FileFeed

    init() throws {
        folder = try TemporaryFolder()
        feed = FileFeed(
            mainFile: folder.path + "/carillon.toml", jobsDirectory: folder.path + "/jobs.d", zones: ZoneDatabase(),
            defaultZone: "Europe/Berlin")
    }

    private static let good = "[[job]]\nname = \"NAME\"\nevery = \"1m\"\nexec = [\"/bin/true\"]\n"

    private func good(_ name: String) -> String { Self.good.replacingOccurrences(of: "NAME", with: name) }

    @Test func everyFormatAndTheMainFileAreRead() async throws {
        try folder.write("carillon.toml", "time_zone = \"Europe/Berlin\"\n" + good("main"))
        try folder.write("jobs.d/a.toml", good("a"))
        try folder.write("jobs.d/b.yaml", "job:\n  - name: b\n    cron: '0 19 * * *'\n    shell: echo\n")
        try folder.write("jobs.d/c.json", #"{"job": [{"name": "c", "at": "2030-01-01T00:00:00Z", "exec": ["true"]}]}"#)
        try folder.write("jobs.d/.hidden.toml", good("hidden"))
        try folder.write("jobs.d/readme.txt", "not a job file")
        let snapshot = try await feed.snapshot(of: .everything)
        #expect(snapshot.problems == [])
        #expect(snapshot.jobs.map(\.name) == ["main", "a", "b", "c"])
        #expect(snapshot.jobs[2].schedule.zone == "Europe/Berlin")
    }

    @Test func noFileAtAllIsNoError() async throws {
        let snapshot = try await feed.snapshot(of: .everything)
        #expect(snapshot.jobs.isEmpty && snapshot.problems.isEmpty)
    }

    @Test func aBrokenFileAndABrokenJobTouchNobodyElse() async throws {
        try folder.write("jobs.d/a.toml", good("a"))
        try folder.write("jobs.d/b.toml", "[[job]\nname = ")
        try folder.write("jobs.d/c.toml", good("c") + "[[job]]\nname = \"d\"\ncron = \"61 * * * *\"\nexec = [\"x\"]\n")
        let snapshot = try await feed.snapshot(of: .everything)
        #expect(snapshot.jobs.map(\.name) == ["a", "c"])
        #expect(snapshot.problems.map(\.job) == [nil, "d"])
        #expect(snapshot.problems[0].source.hasSuffix("b.toml"))
        #expect(snapshot.problems[1].line == 7)
        #expect(snapshot.problems[1].key == "cron")
    }

    /// Writing in place, replacing as editors do, adding, deleting, and a folder made later.
    @Test(.timeLimit(.minutes(20)))
    func everyKindOfChangeIsTold() async throws {
        let path = folder.path
        let name = good("a")
        var changes = feed.changes().makeAsyncIterator()
        // The watch tells once when it stands.
        #expect(await changes.next() == .everything)
        try FileManager.default.createDirectory(atPath: path + "/jobs.d", withIntermediateDirectories: false)
        #expect(await changes.next() == .everything)
        try name.write(toFile: path + "/jobs.d/a.toml", atomically: false, encoding: .utf8)
        #expect(await changes.next() == .everything)
        #expect(try await feed.snapshot(of: .everything).jobs.map(\.name) == ["a"])
        try good("b").write(toFile: path + "/jobs.d/a.toml", atomically: true, encoding: .utf8)
        #expect(await changes.next() == .everything)
        #expect(try await feed.snapshot(of: .everything).jobs.map(\.name) == ["b"])
        try FileManager.default.removeItem(atPath: path + "/jobs.d/a.toml")
        #expect(await changes.next() == .everything)
        #expect(try await feed.snapshot(of: .everything).jobs.isEmpty)
        try good("main").write(toFile: path + "/carillon.toml", atomically: true, encoding: .utf8)
        #expect(await changes.next() == .everything)
        #expect(try await feed.snapshot(of: .everything).jobs.map(\.name) == ["main"])
    }

    /// Logs and lists in the same folder never hide a change.
    @Test(.timeLimit(.minutes(20)))
    func otherFilesInTheFolderDoNotMatter() async throws {
        var changes = feed.changes().makeAsyncIterator()
        #expect(await changes.next() == .everything)
        let path = folder.path
        let writer = Task.detached {
            while !Task.isCancelled {
                try "x".write(toFile: path + "/noise.log", atomically: false, encoding: .utf8)
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        try folder.write("carillon.toml", good("main"))
        #expect(await changes.next() == .everything)
        writer.cancel()
        #expect(try await feed.snapshot(of: .everything).jobs.map(\.name) == ["main"])
    }

    @Test func aChangedCalendarIsTakenUp() async throws {
        let job = "[[job]]\nname = \"a\"\nevery = \"1m\"\nexec = [\"x\"]\ncalendar = \"holidays.txt\"\n"
        try folder.write("jobs.d/a.toml", job)
        #expect(try await feed.snapshot(of: .everything).problems.map(\.key) == ["calendar"])
        try folder.write("jobs.d/holidays.txt", "2026-12-25\n")
        #expect(try await feed.snapshot(of: .everything).jobs[0].schedule.exclusions[0].dates == ["2026-12-25"])
        try folder.write("jobs.d/holidays.txt", "# none\n2026-12-26\n")
        #expect(try await feed.snapshot(of: .everything).jobs[0].schedule.exclusions[0].dates == ["2026-12-26"])
    }
}

import CarillonCLI
import CarillonCore
import CarillonDaemon
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
            mainFile: folder.path + "/carillon.toml", jobsDirectory: folder.path + "/jobs.d",
            targets: Composition.carillon.targets,
            zones: ZoneDatabase(),
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
    @Test(.timeLimit(.minutes(5)))
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
    @Test(.timeLimit(.minutes(5)))
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

    /// All parts of one reading, as they would be taken up.
    private func take(without sources: Set<String> = []) async throws -> FeedSnapshot {
        var whole = FeedSnapshot()
        for try await part in feed.parts(of: .everything) {
            whole.jobs += part.jobs
            whole.problems += part.problems
            whole.unchanged.formUnion(part.unchanged)
        }
        feed.taken(without: sources)
        return whole
    }

    private func path(_ name: String) -> String { folder.path + "/jobs.d/" + name }

    @Test func whatWasTakenUpIsNotReadAgain() async throws {
        try folder.write("jobs.d/a.toml", good("a"))
        try folder.write("jobs.d/b.toml", good("b") + "[[job]]\nname = \"c\"\n")
        #expect(try await take().jobs.map(\.name) == ["a", "b"])
        let again = try await take()
        #expect(again.jobs.isEmpty && again.unchanged == [path("a.toml"), path("b.toml")])
        #expect(again.problems.map(\.job) == ["c"])
        try folder.write("jobs.d/a.toml", good("a2"))
        let changed = try await take(without: [path("a.toml")])
        #expect(changed.jobs.map(\.name) == ["a2"] && changed.unchanged == [path("b.toml")])
        #expect(try await take().jobs.map(\.name) == ["a2"])
        // What could not be taken up comes again.
        for try await _ in feed.parts(of: .everything) {}
        try folder.write("jobs.d/d.toml", good("d"))
        for try await _ in feed.parts(of: .everything) {}
        #expect(try await take().jobs.map(\.name) == ["d"])
    }

    /// More than is good to have at once comes in parts, problems and all.
    @Test func aLargeFileComesInParts() async throws {
        try folder.write("jobs.d/a.toml", (0..<5_000).map { good("job-\($0)") }.joined() + "[[job]]\nname = \"bad\"\n")
        try folder.write("jobs.d/b.toml", good("b"))
        var counts: [Int] = []
        for try await part in feed.parts(of: .everything) { counts.append(part.jobs.count) }
        #expect(counts == [0, 2_000, 2_000, 1_000, 1])
        feed.taken(without: [])
        let again = try await take()
        #expect(again.unchanged == [path("a.toml"), path("b.toml")] && again.problems.map(\.job) == ["bad"])
    }

    @Test func aCalendarIsPartOfItsFile() async throws {
        let job = "[[job]]\nname = \"a\"\nevery = \"1m\"\nexec = [\"x\"]\ncalendar = \"holidays.txt\"\n"
        try folder.write("jobs.d/a.toml", job)
        #expect(try await take().problems.map(\.key) == ["calendar"])
        #expect(try await take().unchanged == [path("a.toml")])
        try folder.write("jobs.d/holidays.txt", "\u{feff}2026-12-25\n")
        #expect(try await take().jobs[0].schedule.exclusions[0].dates == ["2026-12-25"])
        #expect(try await take().unchanged == [path("a.toml")])
        try folder.write("jobs.d/holidays.txt", "2026-12-25\n\0")
        let problem = try #require(try await take().problems.first)
        #expect(problem.key == "calendar" && problem.message.contains("holidays.txt:2: holds a NUL"), "\(problem)")
    }

    @Test func aFileThatIsTooLargeIsNotRead() async throws {
        try folder.write("jobs.d/a.toml", good("a"))
        let feed = FileFeed(
            mainFile: nil, jobsDirectory: folder.path + "/jobs.d", targets: Composition.carillon.targets,
            zones: ZoneDatabase(), defaultZone: "UTC", limit: 10)
        #expect(try await feed.snapshot(of: .everything).problems.map(\.message) == ["is larger than 10 bytes"])
    }

    /// As releases are switched, and as Kubernetes mounts a ConfigMap: the link is swapped, no file is touched.
    @Test(.timeLimit(.minutes(5)), arguments: ["folder", "files", "calendar", "main"])
    func aLinkThatIsSwappedIsTakenUp(_ what: String) async throws {
        let root = folder.path
        let files = FileManager.default
        for (release, name) in [("1", "one"), ("2", "two")] {
            try folder.write("releases/\(release)/jobs.d/a.toml", good(name))
            try folder.write("releases/\(release)/carillon.toml", good("main-" + name))
            try folder.write("releases/\(release)/days.txt", "2026-12-2\(release)\n")
        }
        func link(_ path: String, _ target: String) throws {
            try files.createSymbolicLink(atPath: root + "/new", withDestinationPath: target)
            #expect(rename(root + "/new", root + "/" + path) == 0)
        }
        try link("current", "releases/1")
        switch what {
        case "folder": try link("jobs.d", "current/jobs.d")
        case "main": try link("carillon.toml", root + "/current/carillon.toml")
        case "files":
            try files.createDirectory(atPath: root + "/jobs.d", withIntermediateDirectories: false)
            try link("jobs.d/..data", "../current/jobs.d")
            try link("jobs.d/a.toml", "..data/a.toml")
        default:
            try folder.write("jobs.d/a.toml", good("a") + "calendar = \"../current/days.txt\"\n")
        }
        let before = try await take()
        #expect(before.problems == [] && before.jobs.count == 1)
        var changes = feed.changes().makeAsyncIterator()
        #expect(await changes.next() == .everything)
        #expect(try await take().unchanged.count == 1)
        try link("current", "releases/2")
        #expect(await changes.next() == .everything)
        let after = try await take()
        #expect(after.jobs.count == 1 && after.jobs.first != before.jobs.first)
        // What the link means now is watched as well.
        try folder.write("releases/2/jobs.d/a.toml", good("three"))
        try folder.write("releases/2/carillon.toml", good("three"))
        try folder.write("releases/2/days.txt", "2026-12-31\n")
        #expect(await changes.next() == .everything)
        #expect(try await take().jobs.count == 1)
    }
}

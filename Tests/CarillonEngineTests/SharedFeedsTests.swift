import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Synchronization
import Testing
import Timetable

/// Feeds of those who share a store: of a database one reads, and the files of each machine are compared with what it said before.
@Suite(.timeLimit(.minutes(5))) struct SharedFeedsTests {
    private static let lease: Int64 = 3_000_000
    private let store = MemoryStore()
    private let executor = SharedExecutor()

    private func instance(_ name: String, _ feed: FixedFeed, at now: Timestamp = Samples.noon) async throws -> Instance
    {
        let clock = ManualClock(now: now)
        return try await Instance(
            name, store, [SharedDispatcher(name, executor, clock)], clock, feeds: [feed], lease: Self.lease)
    }

    /// Jobs that the store has, each with how often it runs.
    private func jobs() async throws -> [String: String] {
        let all = try await store.jobs(after: nil, limit: 99)
        return Dictionary(uniqueKeysWithValues: all.map { ($0.job.name, $0.job.schedule.summary) })
    }

    private func expect(_ jobs: [String: String], _ all: [Instance], _ what: String) async throws {
        var words: [String: String] = [:]
        for (name, every) in jobs { words[name] = Samples.job(name, every: every).schedule.summary }
        let wanted = words
        try await all.until(what) { try await self.jobs() == wanted }
    }

    @Test func oneReadsADatabaseAndTheNextTakesOver() async throws {
        let database = FixedFeed("table", ["one": "1h"])
        let (first, second) = (database.another(), database.another())
        let a = try await instance("a", first)
        try await expect(["one": "1h"], [a], "a has read it")
        let b = try await instance("b", second)
        try await [a, b].pass(20)
        #expect(second.readings == 0)
        // What is told to the other is passed on to the reader.
        database.jobs.withLock { $0["two"] = "2h" }
        second.tell(.jobs(["two"]))
        try await expect(["one": "1h", "two": "2h"], [a, b], "a was told")
        #expect(second.readings == 0)
        database.jobs.withLock { $0["one"] = nil }
        await a.leave()
        try await [b].until("b has read it") {
            a.clock.advance(by: 50_000)
            return second.readings > 0
        }
        try await a.hasEnded()
        try await expect(["two": "2h"], [b], "b has removed what is gone")
        try await b.stop()
    }

    @Test func aMachineWithoutFilesRemovesNothingAndAJobGoesWithTheLastThatHasIt() async throws {
        let files = ["one": "1h", "two": "2h"]
        let (first, second, third) = (FixedFeed(files: files), FixedFeed(files: files), FixedFeed(files: [:]))
        let a = try await instance("a", first)
        try await expect(files, [a], "a has said it")
        let revision = try await store.job(named: "one")?.revision
        let all = [a, try await instance("b", second), try await instance("c", third)]
        try await all.pass(10)
        try await expect(files, all, "nothing is gone")
        #expect(try await store.job(named: "one")?.revision == revision, "b says the same")
        // One machine is given to something else.
        first.jobs.withLock { $0 = [:] }
        first.tell(.everything)
        try await all.pass(10)
        try await expect(files, all, "b has them still")
        second.jobs.withLock { $0["one"] = nil }
        second.tell(.everything)
        try await expect(["two": "2h"], all, "the last one that had it has it no more")
        for instance in all { try await instance.stop() }
    }

    /// A rolling change reaches everybody once, and an old file that turns up again takes nothing back.
    @Test func onlyAFileThatChangedWrites() async throws {
        let (first, second) = (FixedFeed(files: ["one": "1h"]), FixedFeed(files: ["one": "1h"]))
        let a = try await instance("a", first)
        try await expect(["one": "1h"], [a], "a has said it")
        let both = [a, try await instance("b", second)]
        try await both.pass(5)
        first.jobs.withLock { $0["one"] = "3h" }
        first.tell(.everything)
        try await expect(["one": "3h"], both, "a has changed it")
        // B reads its file again, which is as it was.
        second.tell(.everything)
        try await both.pass(5)
        try await expect(["one": "3h"], both, "b changes nothing")
        second.jobs.withLock { $0["one"] = "3h" }
        second.tell(.everything)
        try await both.pass(5)
        // A new machine with the first file; and one with a file that nobody has had.
        let old = try await instance("old", FixedFeed(files: ["one": "1h"]), at: a.clock.now)
        try await (both + [old]).pass(5)
        try await expect(["one": "3h"], both + [old], "what anybody has said before is old")
        let new = try await instance("new", FixedFeed(files: ["one": "4h"]), at: a.clock.now)
        let all = both + [old, new]
        try await expect(["one": "4h"], all, "a new machine brings a new file")
        for instance in all { try await instance.stop() }
    }
}

/// Jobs by their names, each with how often it runs; a test changes them.
final class FixedFeed: JobFeed {
    let name: String
    let isOfMachine: Bool
    let guardsAgainstLoss = false
    /// All readers of one table have the same.
    let jobs: Mutex<[String: String]>
    private let counted = Mutex(0)
    private let source: FixedFeed?
    private let stream: AsyncStream<FeedChange>
    private let continuation: AsyncStream<FeedChange>.Continuation

    convenience init(_ name: String, _ jobs: [String: String]) {
        self.init(name, isOfMachine: false, jobs, of: nil)
    }

    convenience init(files jobs: [String: String]) { self.init("files", isOfMachine: true, jobs, of: nil) }

    private init(_ name: String, isOfMachine: Bool, _ jobs: [String: String], of source: FixedFeed?) {
        self.name = name
        self.isOfMachine = isOfMachine
        self.jobs = Mutex(jobs)
        self.source = source
        (stream, continuation) = AsyncStream.makeStream()
    }

    /// Another reader of the same table.
    func another() -> FixedFeed { FixedFeed(name, isOfMachine: isOfMachine, [:], of: self) }

    var readings: Int { counted.withLock { $0 } }

    func tell(_ change: FeedChange) { continuation.yield(change) }

    func snapshot(of change: FeedChange) async throws -> FeedSnapshot {
        counted.withLock { $0 += 1 }
        let all = (source ?? self).jobs.withLock { $0 }
        let read = all.filter { change.concerns($0.key) }.sorted { $0.key < $1.key }
        return FeedSnapshot(
            scope: change, jobs: read.map { Samples.job($0, every: $1, feed: name, source: "here") })
    }

    func changes() -> AsyncStream<FeedChange> { stream }
}

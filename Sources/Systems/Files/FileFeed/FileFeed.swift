package import CarillonConfiguration
public import CarillonCore
import Foundation
import Synchronization
package import Timetable

/// Jobs in `carillon.toml` and in the files of `jobs.d` beside it.
///
/// A file that cannot be read keeps the jobs it last had; a job that cannot be read keeps its last good definition.
public final class FileFeed: JobFeed {
    public let name = "files"
    public let isOfMachine = true
    public let guardsAgainstLoss = false
    /// An editor's save and a package's upgrade take a file away for less.
    public let lossWait: Int64 = 5_000_000

    private let mainFile: String?
    private let jobsDirectory: String
    private let targets: [any TargetKeys.Type]
    private let zones: ZoneDatabase
    private let defaultZone: String
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        /// Files whose jobs are in the store as they are.
        var taken: [String: ReadFile] = [:]
        /// Files as they were handed over last.
        var read: [String: ReadFile] = [:]
        /// Rings when other files are to be watched.
        var bell: DirectoryWatch.Bell?
    }

    /// What must be the same for a file to be the same, and what is to be said of it as long as it is. Its jobs are not
    /// kept: the store has them.
    private struct ReadFile: Sendable {
        /// Of the file and of the calendars it names.
        var stamps: [String: FileStamp?] = [:]
        var problems: [ConfigProblem] = []
        var warnings: [ConfigProblem] = []

        var isUnchanged: Bool { stamps.allSatisfy { $1 == FileStamp(path: $0) } }

        mutating func add(_ part: FileReading.Part) {
            stamps.merge(part.stamps) { first, _ in first }
            problems += part.snapshot.problems
            warnings += part.snapshot.warnings
        }
    }

    /// Takes its places: `mainFile` is nil for a daemon without configuration; neither file nor folder needs to exist.
    /// `limit` is the largest job file in bytes.
    package init(
        mainFile: String?, jobsDirectory: String, targets: [any TargetKeys.Type], zones: ZoneDatabase,
        defaultZone: String, limit: Int = Bounds.bytes
    ) {
        self.mainFile = mainFile
        self.jobsDirectory = jobsDirectory
        self.targets = targets
        self.zones = zones
        self.defaultZone = defaultZone
        self.limit = limit
    }

    /// Lists the files there are now, in the order of their names.
    public func files() throws(ConfigProblem) -> [String] {
        var files: [String] = []
        if let mainFile, try isThere(mainFile) { files.append(mainFile) }
        guard try isThere(jobsDirectory) else { return files }
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: jobsDirectory)
            // Hidden files are what editors and package managers leave while they work.
            let jobFiles = names.filter { !$0.hasPrefix(".") && ConfigDocument.Format(path: $0) != nil }
            guard Set(jobFiles).count == jobFiles.count else {
                throw ConfigProblem(
                    source: jobsDirectory,
                    message: "holds two files whose names are spelt in two ways and look the same; rename one")
            }
            return files + jobFiles.sorted().map { jobsDirectory + "/" + $0 }
        } catch let problem as ConfigProblem {
            throw problem
        } catch {
            throw ConfigProblem(source: jobsDirectory, message: "cannot be listed: \(error.localizedDescription)")
        }
    }

    /// Whether a path is there; only what certainly is not is gone. Throws a `ConfigProblem` when nobody may look.
    private func isThere(_ path: String) throws(ConfigProblem) -> Bool {
        var facts = stat()
        if stat(path, &facts) == 0 { return true }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw ConfigProblem(source: path, message: "cannot be looked at: \(String(cString: strerror(errno)))")
    }

    public func snapshot(of change: FeedChange) async throws -> FeedSnapshot {
        var whole = FeedSnapshot()
        for path in try files() {
            var reading = open(path)
            let part = reading.next(most: .max) ?? FeedSnapshot()
            whole.jobs += part.jobs
            whole.problems += part.problems
            whole.warnings += part.warnings
        }
        return whole
    }

    /// Reads what did not change first, then what did; the next part is read while the last one is taken up.
    public func parts(of change: FeedChange) -> AsyncThrowingStream<FeedSnapshot, any Error> {
        let ahead = Mutex<Ahead?>(nil)
        return AsyncThrowingStream { [self] in
            guard let now = ahead.withLock({ $0 }) else {
                let (first, changed) = try begin()
                let reading = FileReading(changed) { [self] path in open(path) }
                ahead.withLock { $0 = Ahead(reading) }
                return first
            }
            guard let part = await now.part.value else {
                state.withLock(\.bell)?.ring()
                return nil
            }
            ahead.withLock { $0 = Ahead(now.reading) }
            state.withLock { $0.read[part.path, default: ReadFile()].add(part) }
            return part.snapshot
        }
    }

    /// The part of a reading that comes next.
    private struct Ahead: Sendable {
        let reading: FileReading
        let part: Task<FileReading.Part?, Never>

        init(_ reading: FileReading) {
            self.reading = reading
            part = Task { await reading.next() }
        }
    }

    /// Opens a file, but none that others may write: it decides what runs as this user.
    private func open(_ path: String) -> JobFileReading {
        let directory = (path as NSString).deletingLastPathComponent
        let reader = JobFileReader(
            JobReader(targets: targets, zones: zones, defaultZone: defaultZone, directory: directory), limit: limit)
        if let problem = FileTrust.problem(at: path) { return reader.refuse(problem, path: path) }
        return reader.open(path: path, isMain: path == mainFile)
    }

    private func begin() throws(ConfigProblem) -> (first: FeedSnapshot, changed: [String]) {
        let files = try files()
        let taken = state.withLock(\.taken)
        var first = FeedSnapshot()
        var kept: [String: ReadFile] = [:]
        for path in files {
            guard let file = taken[path], file.isUnchanged else { continue }
            kept[path] = file
            first.unchanged.insert(path)
            first.problems += file.problems
            first.warnings += file.warnings
        }
        state.withLock { $0.read = kept }
        return (first, files.filter { kept[$0] == nil })
    }

    public func taken(without sources: Set<String>) {
        state.withLock { state in
            // A file that could not be read at all is tried again whatever its stamp.
            state.taken = state.read.filter { path, file in
                !sources.contains(path) && !file.problems.contains { $0.job == nil }
            }
        }
    }

    public func readAgain(_ sources: Set<String>) {
        state.withLock { $0.taken = $0.taken.filter { !sources.contains($0.key) } }
    }

    public func changes() -> AsyncStream<FeedChange> {
        let (changes, bell) = DirectoryWatch.changes(
            of: { [weak self] in self?.watched() ?? [] }, folder: jobsDirectory,
            isOfFolder: { ConfigDocument.Format(path: $0) != nil && !$0.hasPrefix(".") })
        state.withLock { $0.bell = bell }
        return changes
    }

    /// Names the files that matter wherever they lie: the main one, those that are links, and calendars.
    private func watched() -> [String] {
        let files = (try? files()) ?? []
        let links = files.filter { (try? FileManager.default.destinationOfSymbolicLink(atPath: $0)) != nil }
        let calendars = state.withLock { state in
            Set(state.read.values.flatMap(\.stamps.keys) + state.taken.values.flatMap(\.stamps.keys)).subtracting(files)
        }
        return (mainFile.map { [$0] } ?? []) + links + calendars
    }
}

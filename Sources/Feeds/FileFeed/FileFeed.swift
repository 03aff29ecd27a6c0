import CarillonConfiguration
import CarillonCore
import Foundation
import Synchronization
import Timetable

/// Jobs in `carillon.toml` and in the files of `jobs.d` beside it.
///
/// A file that cannot be read keeps the jobs it last had; a job that cannot be read keeps its last good definition.
public final class FileFeed: JobFeed {
    public let name = "files"
    public let guardsAgainstLoss = false

    private let mainFile: String?
    private let jobsDirectory: String
    private let zones: ZoneDatabase
    private let defaultZone: String
    private let read = Mutex<[String: ReadFile]>([:])
    /// Names of the calendars that jobs use; nil when one of them could not be read.
    private let calendars = Mutex<Set<String>?>([])

    /// What a file held when it was last read.
    private struct ReadFile: Sendable {
        var stamp: FileStamp
        var snapshot: FeedSnapshot
    }

    /// `mainFile` is nil for a daemon without configuration; neither file nor folder needs to exist.
    public init(mainFile: String?, jobsDirectory: String, zones: ZoneDatabase, defaultZone: String) {
        self.mainFile = mainFile
        self.jobsDirectory = jobsDirectory
        self.zones = zones
        self.defaultZone = defaultZone
    }

    /// The files there are now, in the order of their names.
    public func files() throws(FeedProblem) -> [String] {
        var files: [String] = []
        if let mainFile, FileManager.default.fileExists(atPath: mainFile) { files.append(mainFile) }
        guard FileManager.default.fileExists(atPath: jobsDirectory) else { return files }
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: jobsDirectory)
            // Hidden files are what editors and package managers leave while they work.
            let jobFiles = names.filter { !$0.hasPrefix(".") && ConfigDocument.Format(path: $0) != nil }
            return files + jobFiles.sorted().map { jobsDirectory + "/" + $0 }
        } catch {
            throw FeedProblem(source: jobsDirectory, message: "cannot be listed: \(error.localizedDescription)")
        }
    }

    public func snapshot(of change: FeedChange) async throws -> FeedSnapshot {
        var whole = FeedSnapshot()
        var files: [String: ReadFile] = [:]
        let known = read.withLock { $0 }
        for path in try self.files() {
            let stamp = FileStamp(path: path)
            let snapshot: FeedSnapshot
            if let stamp, let before = known[path], before.stamp == stamp {
                snapshot = before.snapshot
            } else {
                let directory = (path as NSString).deletingLastPathComponent
                let reader = JobFileReader(JobReader(zones: zones, defaultZone: defaultZone, directory: directory))
                snapshot = reader.read(path: path, isMain: path == mainFile)
            }
            // A calendar may change without its job's file, so such files are read every time.
            let usesCalendar =
                snapshot.jobs.contains { !$0.schedule.exclusions.isEmpty }
                || snapshot.problems.contains(where: isOfCalendar)
            if let stamp, !usesCalendar { files[path] = ReadFile(stamp: stamp, snapshot: snapshot) }
            whole.jobs += snapshot.jobs
            whole.problems += snapshot.problems
        }
        read.withLock { $0 = files }
        let names = Set(whole.jobs.flatMap { $0.schedule.exclusions.map(\.name) })
        // The calendar that is missed may have any name.
        let anyName = whole.problems.contains(where: isOfCalendar)
        calendars.withLock { $0 = anyName ? nil : names }
        return whole
    }

    private func isOfCalendar(_ problem: FeedProblem) -> Bool { problem.key == "calendar" }

    public func changes() -> AsyncStream<FeedChange> {
        var folders = [jobsDirectory, (jobsDirectory as NSString).deletingLastPathComponent]
        if let mainFile { folders.append((mainFile as NSString).deletingLastPathComponent) }
        return DirectoryWatch.changes(in: folders) { [weak self] name in
            if ConfigDocument.Format(path: name) != nil { return !name.hasPrefix(".") }
            return self?.calendars.withLock { $0?.contains(name) ?? true } ?? false
        }
    }
}

/// When and how a file last changed, stat(2).
private struct FileStamp: Hashable, Sendable {
    let inode: UInt64
    let size: Int64
    /// The last change of contents, owner or mode.
    let seconds: Int
    let nanoseconds: Int

    init?(path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        inode = UInt64(info.st_ino)
        size = Int64(info.st_size)
        seconds = info.st_ctim.tv_sec
        nanoseconds = info.st_ctim.tv_nsec
    }
}

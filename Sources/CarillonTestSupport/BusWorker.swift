import CarillonEngine
import Foundation
import Synchronization

/// A worker of jobs on RabbitMQ, written in Python with pika and independent of Carillon; killed with the fixture.
///
/// It does what the beginning of a job's name says, or else the run's argument `behaviour`, which goes first: it `completes`
/// or `fails` at once; `slow` completes after two seconds, or as many as the argument `seconds` says; `silent` says that its
/// first attempt runs, and nothing more of it, and completes the later ones; `never-starts` says nothing, and confirms a
/// cancel; `never-ends` runs until it is cancelled; `defies` runs on even then. Any other job completes. While it works it
/// gives a sign of life every 200 ms. It knows nothing of doubles: a run that comes twice is worked on twice.
public final class BusWorker: Sendable {
    public enum Topology: String, Sendable, CaseIterable {
        case queues
        case exchanges
    }

    /// A message as it came to the worker.
    public struct Action: Sendable, Hashable, Codable {
        public var messageID: String
        /// `run` or `cancel`.
        public var action: String
        public var attempt: Int
        public var job: String
        public var runID: String
        /// The broker says that somebody may have had it before.
        public var isRedelivered: Bool
        public var isPersistent: Bool
        public var contentType: String
        /// The trace that it belongs to.
        public var traceparent: String?
        /// RFC 3339.
        public var scheduledAt: String?
        public var arguments: [String: String]?
    }

    public let folder: TemporaryFolder
    private let worker = Mutex<Process?>(nil)

    /// Takes the actions of `jobs` from the broker at `url`, for as long as it takes until it can.
    ///
    /// With `declares` it declares what it needs, and in `queues` all three; without, it waits until that is there.
    /// With `tellsAttempt` its messages name the attempt they are of, and a failure says why.
    public init(
        url: String, topology: Topology = .queues, jobs: [String], declares: Bool = false, tellsAttempt: Bool = false
    ) throws {
        folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Program.find("python3"))
        process.arguments =
            [try folder.write("worker.py", BusWorkerProgram.text)] + (declares ? ["--declares"] : [])
            + (tellsAttempt ? ["--tells-attempt"] : []) + [url, topology.rawValue, folder.path + "/actions"] + jobs
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": folder.path, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"]
        try folder.write("worker.log", "")
        let log = FileHandle(forWritingAtPath: folder.path + "/worker.log")
        process.standardOutput = log
        process.standardError = log
        process.standardInput = FileHandle.nullDevice
        try process.start()
        worker.withLock { $0 = process }
    }

    deinit { kill() }

    public var log: String { (try? String(contentsOfFile: folder.path + "/worker.log", encoding: .utf8)) ?? "" }

    /// Returns when it takes actions.
    public func untilListening() async throws {
        let end = SystemClock().uptime + 60_000_000
        while SystemClock().uptime < end {
            if log.contains("listening") { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ConformanceFailure(description: "the worker finds no actions\n\(log)")
    }

    /// Reads every action that came so far, in order; one that came twice is there twice.
    public func actions() throws -> [Action] {
        let path = folder.path + "/actions"
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        // The last line may still be on its way.
        let whole = text.hasSuffix("\n") ? text : String(text[..<(text.lastIndex(of: "\n") ?? text.startIndex)])
        return try whole.split(separator: "\n").map { try JSONDecoder().decode(Action.self, from: Data($0.utf8)) }
    }

    /// Sends SIGKILL, as a crash; what it was at work on is never heard of again.
    public func kill() {
        worker.withLock { process in
            if let running = process, running.isRunning { Foundation.kill(running.processIdentifier, SIGKILL) }
            process = nil
        }
    }
}

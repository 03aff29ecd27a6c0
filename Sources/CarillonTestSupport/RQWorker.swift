import Foundation
import Synchronization

/// A real `rq worker` of one of the versions that `scripts/test.sh` installs; killed with the fixture.
///
/// It is started anew when it ends by itself, as supervisors do: RQ's workers give up when Redis goes at a bad moment.
public final class RQWorker: Sendable {
    /// Releases of RQ, each in a virtual environment of its own.
    public enum Release: String, Sendable, CaseIterable {
        /// What Frappe 15 uses.
        case v1 = "rq1"
        case v2 = "rq2"
    }

    public let folder: TemporaryFolder
    private let worker = Mutex<Process?>(nil)
    private let program: String
    private let arguments: [String]

    /// Listens to `queues`; `tasks` is the text of a module named `tasks`, whose functions jobs call. `NOTES` in its
    /// environment names the folder.
    public init(
        _ release: Release, url: String, queues: [String] = ["default"], serializer: String? = nil, tasks: String
    ) throws {
        program = try VirtualEnvironment.program("\(release.rawValue)/bin/rq")
        arguments = ["worker", "--url", url] + (serializer.map { ["--serializer", $0] } ?? []) + queues
        folder = try TemporaryFolder()
        try folder.write("tasks.py", tasks)
        try folder.write("worker.log", "")
        try start()
    }

    private func start() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ["PATH": "/usr/bin:/bin", "NOTES": folder.path, "HOME": folder.path]
        let log = FileHandle(forWritingAtPath: folder.path + "/worker.log")
        _ = try log?.seekToEnd()
        process.standardOutput = log
        process.standardError = log
        process.standardInput = FileHandle.nullDevice
        process.terminationHandler = { [weak self] ended in
            guard let self, self.worker.withLock({ $0 === ended }) else { return }
            try? self.start()
        }
        try worker.withLock { worker in
            try process.start()
            worker = process
        }
    }

    deinit { kill() }

    public var log: String { (try? String(contentsOfFile: folder.path + "/worker.log", encoding: .utf8)) ?? "" }

    /// Reads the lines of a file its functions wrote.
    public func lines(_ name: String) -> [String] {
        let text = (try? String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    public func kill() {
        worker.withLock { process in
            if let running = process, running.isRunning { Foundation.kill(running.processIdentifier, SIGKILL) }
            process = nil
        }
    }
}

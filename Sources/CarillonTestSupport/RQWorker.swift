import Foundation
import Synchronization

/// A real `rq worker` of one of the versions that `scripts/test.sh` installs; killed with the fixture.
public final class RQWorker: Sendable {
    /// Releases of RQ, each in a virtual environment of its own.
    public enum Release: String, Sendable, CaseIterable {
        /// What Frappe 15 uses.
        case v1 = "rq1"
        case v2 = "rq2"
    }

    public let folder: TemporaryFolder
    private let worker = Mutex<Process?>(nil)

    /// Listens to `queues`; `tasks` is the text of a module named `tasks`, whose functions jobs call. `NOTES` in its
    /// environment names the folder.
    public init(
        _ release: Release, url: String, queues: [String] = ["default"], serializer: String? = nil, tasks: String
    ) throws {
        let program = try VirtualEnvironment.program("\(release.rawValue)/bin/rq")
        folder = try TemporaryFolder()
        try folder.write("tasks.py", tasks)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments =
            ["worker", "--url", url] + (serializer.map { ["--serializer", $0] } ?? []) + queues
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ["PATH": "/usr/bin:/bin", "NOTES": folder.path, "HOME": folder.path]
        try folder.write("worker.log", "")
        let log = FileHandle(forWritingAtPath: folder.path + "/worker.log")
        process.standardOutput = log
        process.standardError = log
        process.standardInput = FileHandle.nullDevice
        try Spawn.run(process)
        worker.withLock { $0 = process }
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

import Foundation
import Glibc

/// An empty server's data, made once in a process, since that takes seconds; each server gets a copy.
actor MariaDBTemplate {
    static let shared = MariaDBTemplate()

    private static let folder = FileManager.default.temporaryDirectory.path + "/carillon-mariadb-\(getpid())"
    private var making: Task<String, any Error>?

    /// The folder to copy; it is gone with the process.
    func data() async throws -> String {
        if making == nil { making = Task { try await Self.make() } }
        guard let making else { return "" }
        return try await making.value
    }

    /// Where it is on this machine.
    static func program(_ name: String) throws -> String {
        let paths = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].map { $0 + "/" + name }
        guard let path = paths.first(where: FileManager.default.isExecutableFile) else {
            throw ConformanceFailure(description: "there is no \(name) on this machine: apt install mariadb-server")
        }
        return path
    }

    private static func make() async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try program("mariadb-install-db"))
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: MariaDBTemplate.folder) }
        process.arguments = [
            "--no-defaults", "--datadir=\(folder)/data", "--auth-root-authentication-method=normal", "--skip-test-db",
            "--user=\(NSUserName())", "--innodb-log-file-size=4M",
        ]
        let log = folder + "/install.log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let file = FileHandle(forWritingAtPath: log)
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try Spawn.run(process)
        // A wait for a process blocks its thread: not one of the few that run the tests.
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                process.waitUntilExit()
                continuation.resume()
            }
        }
        guard process.terminationStatus == 0 else {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw ConformanceFailure(description: "mariadb-install-db failed: \(text)")
        }
        return folder + "/data"
    }
}

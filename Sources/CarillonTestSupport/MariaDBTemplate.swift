import Foundation
import Glibc

/// An empty server's data, made once in a process, since that takes seconds; each server gets a copy.
actor MariaDBTemplate {
    static let shared = MariaDBTemplate()

    private static let folder = FileManager.default.temporaryDirectory.path + "/carillon-mariadb-\(getpid())"
    private var making: Task<String, any Error>?

    /// Answers the folder to copy; it is gone with the process.
    func data() async throws -> String {
        if making == nil { making = Task { try await Self.make() } }
        guard let making else { return "" }
        return try await making.value
    }

    private static func make() async throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: MariaDBTemplate.folder) }
        _ = try await Program.output(
            try Program.find("mariadb-install-db"),
            [
                "--no-defaults", "--datadir=\(folder)/data", "--auth-root-authentication-method=normal",
                "--skip-test-db", "--user=\(NSUserName())", "--innodb-log-file-size=4M",
            ])
        return folder + "/data"
    }
}

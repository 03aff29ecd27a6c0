import Foundation
import Glibc

/// An empty cluster, made once in a process, since that takes seconds; each server gets a copy.
actor PostgresTemplate {
    static let shared = PostgresTemplate()

    private static let folder = FileManager.default.temporaryDirectory.path + "/carillon-postgres-\(getpid())"
    private var making: Task<String, any Error>?

    /// Answers the folder to copy; it is gone with the process.
    func data() async throws -> String {
        if making == nil { making = Task { try await Self.make() } }
        guard let making else { return "" }
        return try await making.value
    }

    private static func make() async throws -> String {
        let data = folder + "/data"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: PostgresTemplate.folder) }
        let password = folder + "/password"
        try PostgresFixture.password.write(toFile: password, atomically: true, encoding: .utf8)
        try PostgresUser.own([data, password])
        let (program, arguments) = try PostgresUser.command(
            "initdb",
            [
                "--pgdata=\(data)", "--username=\(PostgresFixture.user)", "--pwfile=\(password)",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=1", "--no-sync",
                "--no-instructions",
            ])
        _ = try await Program.output(program, arguments)
        return data
    }
}

/// Who runs PostgreSQL's programs: they refuse root, who becomes the user `postgres` of Debian's package for them.
enum PostgresUser {
    /// Answers program and arguments of a process.
    static func command(_ name: String, _ arguments: [String]) throws -> (String, [String]) {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        guard let newest = versions.max() else {
            throw ConformanceFailure(description: "there is no PostgreSQL in \(root); scripts/test.sh installs it")
        }
        return try command(at: "\(root)/\(newest)/bin/\(name)", arguments)
    }

    /// The same for a program elsewhere that refuses root as well.
    static func command(at program: String, _ arguments: [String]) throws -> (String, [String]) {
        guard getuid() == 0 else { return (program, arguments) }
        let become = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", program]
        return (try Program.find("setpriv"), become + arguments)
    }

    /// Gives them files and folders, but not what is in these.
    static func own(_ paths: [String]) throws {
        guard getuid() == 0 else { return }
        guard let user = getpwnam("postgres")?.pointee else {
            throw ConformanceFailure(description: "there is no user postgres; scripts/test.sh installs PostgreSQL")
        }
        for path in paths where chown(path, user.pw_uid, user.pw_gid) != 0 {
            throw ConformanceFailure(description: "chown \(path): \(String(cString: strerror(errno)))")
        }
    }
}

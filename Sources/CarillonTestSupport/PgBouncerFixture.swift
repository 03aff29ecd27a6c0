import Foundation
import Glibc

/// A real pgbouncer before a PostgreSQL server, for all its databases: whoever has a connection has it for a transaction.
public final class PgBouncerFixture: Sendable {
    /// On 127.0.0.1, in the clear.
    public let port: Int
    private let folder: TemporaryFolder
    private let process: ServerProcess

    /// Makes one that shares so many connections to each database among whoever comes.
    public init(before server: PostgresFixture, poolSize: Int) throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        try folder.write("users", "\"\(PostgresFixture.user)\" \"\(PostgresFixture.password)\"\n")
        try folder.write(
            "pgbouncer.ini",
            """
            [databases]
            * = host=127.0.0.1 port=\(server.port)
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(port)
            unix_socket_dir =
            # It has one thread, and each login of SCRAM costs it milliseconds: hundreds of clients come at once.
            auth_type = trust
            auth_file = \(folder.path)/users
            pool_mode = transaction
            default_pool_size = \(poolSize)
            max_client_conn = 2000

            """)
        try PostgresUser.own([folder.path, folder.path + "/users", folder.path + "/pgbouncer.ini"])
        let program = "/usr/sbin/pgbouncer"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw ConformanceFailure(description: "there is no pgbouncer; scripts/test.sh installs it")
        }
        let (command, arguments) = try PostgresUser.command(at: program, [folder.path + "/pgbouncer.ini"])
        process = ServerProcess("pgbouncer", command, arguments, in: folder)
    }

    public func start() async throws {
        try await process.start { process.log.contains("process up") }
    }
}

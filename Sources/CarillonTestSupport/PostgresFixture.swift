import Foundation
import Glibc

/// A real PostgreSQL server on a port of its own, its data in a folder of its own; killed with the fixture.
///
/// It has the superuser `carillon` and the database `postgres`, on TCP and on a socket in its folder.
public final class PostgresFixture: ServerFixture {
    public static let user = "carillon"
    public static let password = "p@ss'wörd"
    public static let database = "postgres"

    public let folder: TemporaryFolder
    /// On 127.0.0.1, in the clear and with TLS.
    public let port: Int
    /// Of the certificate authority that signed the server's certificate; empty without TLS.
    public let caFile: String
    public let process: ServerProcess
    private let tls: TestCertificates?

    /// Makes a server; `settings` are those of postgresql.conf, such as `["max_connections=5"]`.
    public init(_ settings: [String] = [], tls: Bool = false) throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        var all = [
            "listen_addresses=127.0.0.1", "unix_socket_directories=\(folder.path)", "fsync=off",
            "full_page_writes=off", "shared_buffers=16MB", "autovacuum=off", "max_worker_processes=0",
            "max_wal_senders=0", "log_min_messages=log",
        ]
        let certificates = tls ? try TestCertificates(in: folder) : nil
        self.tls = certificates
        caFile = certificates?.caFile ?? ""
        if let certificates {
            all += [
                "ssl=on", "ssl_cert_file=\(certificates.certificateFile)", "ssl_key_file=\(certificates.keyFile)",
                "ssl_ca_file=\(caFile)",
            ]
        }
        let options = (all + settings).flatMap { ["-c", $0] }
        let (program, arguments) = try PostgresUser.command(
            "postgres", ["-D", folder.path + "/data", "-p", "\(port)"] + options)
        // SIGTERM would wait until everybody has gone.
        process = ServerProcess("postgres", program, arguments, stopSignal: SIGINT, in: folder)
    }

    /// For `store.url`, without the password and without TLS.
    public var address: String { "postgres://\(Self.user)@127.0.0.1:\(port)/\(Self.database)?sslmode=disable" }

    /// Carries statements out as the superuser, with psql(1).
    public func execute(_ sql: String) async throws {
        let password = Self.password.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let (program, arguments) = try PostgresUser.command(
            "psql",
            [
                "postgres://\(Self.user):\(password)@127.0.0.1:\(port)/\(Self.database)?sslmode=disable", "--no-psqlrc",
                "--quiet", "--set=ON_ERROR_STOP=1", "--command=\(sql)",
            ])
        _ = try await Program.output(program, arguments)
    }

    /// Starts the server, the second time on the same data; returns when it answers.
    public func start() async throws {
        let data = folder.path + "/data"
        if !FileManager.default.fileExists(atPath: data) {
            try PostgresUser.own([folder.path] + (tls.map { [$0.certificateFile, $0.keyFile] } ?? []))
            _ = try await Program.output(
                try Program.find("cp"), ["-a", try await PostgresTemplate.shared.data(), data])
        }
        let before = log.count
        try await process.start { log.dropFirst(before).contains("ready to accept connections") }
    }
}

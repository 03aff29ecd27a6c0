import Foundation

/// A real mariadbd on a port of its own, its data in a folder of its own; killed with the fixture.
///
/// It has the user `carillon` with all rights and the database `site`.
public final class MariaDBFixture: ServerFixture {
    public static let user = "carillon"
    public static let database = "site"

    public let folder: TemporaryFolder
    /// On 127.0.0.1, in the clear and with TLS.
    public let port: Int
    public let socketPath: String
    public let password: String
    /// Of the certificate authority that signed the server's certificate; empty without TLS.
    public let caFile: String
    public let process: ServerProcess

    /// Makes a server; `arguments` go to mariadbd as they are, such as `["--require-secure-transport=ON"]`.
    public init(_ arguments: [String] = [], password: String = "p@ss'wörd", tls: Bool = false) throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        socketPath = folder.path + "/mariadb.sock"
        self.password = password
        var all = [
            "--no-defaults", "--datadir=\(folder.path)/data", "--port=\(port)", "--socket=\(socketPath)",
            "--pid-file=\(folder.path)/mariadb.pid", "--bind-address=127.0.0.1", "--skip-name-resolve",
            "--skip-log-bin", "--performance-schema=OFF", "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=2", "--user=\(NSUserName())",
        ]
        let quoted = password.replacing("\\", with: "\\\\").replacing("'", with: "''")
        // One statement a line; the server reads them at every start, before it listens.
        let start = try folder.write(
            "start.sql",
            """
            SET NAMES utf8mb4;
            CREATE DATABASE IF NOT EXISTS \(Self.database) CHARACTER SET utf8mb4;
            CREATE USER IF NOT EXISTS '\(Self.user)'@'%' IDENTIFIED BY '\(quoted)';
            GRANT ALL ON *.* TO '\(Self.user)'@'%' WITH GRANT OPTION;

            """)
        all.append("--init-file=\(start)")
        if tls {
            let certificates = try TestCertificates(in: folder)
            caFile = certificates.caFile
            all += [
                "--ssl-cert=\(certificates.certificateFile)", "--ssl-key=\(certificates.keyFile)",
                "--ssl-ca=\(caFile)",
            ]
        } else {
            caFile = ""
        }
        process = ServerProcess("mariadbd", try Program.find("mariadbd"), all + arguments, in: folder)
    }

    /// Starts the server, the second time on the same data; returns when it answers.
    public func start() async throws {
        if !FileManager.default.fileExists(atPath: folder.path + "/data") {
            let template = try await MariaDBTemplate.shared.data()
            try FileManager.default.copyItem(atPath: template, toPath: folder.path + "/data")
        }
        try await process.start {
            // It greets with version 10 of its protocol, once it is ready.
            let greeting = FreePort.reply(of: port, atMost: 5) ?? []
            return greeting.count == 5 && greeting[4] == 10
        }
    }
}

import Foundation
import Glibc
import Synchronization

/// A real mariadbd on a port of its own, its data in a folder of its own; killed with the fixture.
///
/// It has the user `carillon` with all rights and the database `site`.
public final class MariaDBFixture: Sendable {
    public static let user = "carillon"
    public static let database = "site"

    public let folder: TemporaryFolder
    /// On 127.0.0.1, in the clear and with TLS.
    public let port: Int
    public let socketPath: String
    public let password: String
    /// Of the certificate authority that signed the server's certificate; empty without TLS.
    public let caFile: String
    private let arguments: [String]
    private let server = Mutex<Process?>(nil)

    /// `arguments` go to mariadbd as they are, such as `["--require-secure-transport=ON"]`.
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
        self.arguments = all + arguments
    }

    deinit {
        if let running = server.withLock({ $0 }), running.isRunning {
            Glibc.kill(running.processIdentifier, SIGKILL)
        }
    }

    public var log: String { (try? String(contentsOfFile: folder.path + "/mariadb.log", encoding: .utf8)) ?? "" }

    /// Starts the server, the second time on the same data; returns when it answers.
    public func start() async throws {
        let binary = try MariaDBTemplate.program("mariadbd")
        if !FileManager.default.fileExists(atPath: folder.path + "/data") {
            let template = try await MariaDBTemplate.shared.data()
            try FileManager.default.copyItem(atPath: template, toPath: folder.path + "/data")
            try folder.write("mariadb.log", "")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        let file = FileHandle(forWritingAtPath: folder.path + "/mariadb.log")
        file?.seekToEndOfFile()
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try Spawn.run(process)
        server.withLock { $0 = process }
        // Twenty seconds are plenty for a small server on a busy machine.
        for _ in 0..<2000 where process.isRunning {
            if answers() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ConformanceFailure(description: "mariadbd does not answer on port \(port)\n\(log)")
    }

    /// SIGKILL, as a crash.
    public func kill() async { await end(SIGKILL) }

    /// SIGTERM; returns when it is gone.
    public func stop() async { await end(SIGTERM) }

    /// Starts it again on the same port and data, after a `stop` when it runs.
    public func restart() async throws {
        await stop()
        try await start()
    }

    /// SIGSTOP: the kernel accepts connections for it, and nobody is answered. Returns when all its threads stand.
    public func suspend() async throws {
        guard let running = server.withLock({ $0 }), running.isRunning else { return }
        signal(SIGSTOP)
        var news = siginfo_t()
        while waitid(P_PID, id_t(running.processIdentifier), &news, WSTOPPED | WNOHANG) == 0, news.si_signo == 0 {
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    public func resume() { signal(SIGCONT) }

    private func signal(_ number: Int32) {
        guard let running = server.withLock({ $0 }), running.isRunning else { return }
        Glibc.kill(running.processIdentifier, number)
    }

    private func end(_ number: Int32) async {
        guard let running = server.withLock({ $0 }) else { return }
        // A wait for a process blocks its thread: not one of the few that run the tests.
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                if running.isRunning {
                    Glibc.kill(running.processIdentifier, number)
                    Glibc.kill(running.processIdentifier, SIGCONT)
                    running.waitUntilExit()
                }
                continuation.resume()
            }
        }
        server.withLock { $0 = nil }
    }

    /// Whether the server greets with version 10 of its protocol, as it does only once it is ready.
    private func answers() -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard FreePort.withAddress(port, { connect(descriptor, $0, $1) }) == 0 else { return false }
        var greeting = [UInt8](repeating: 0, count: 5)
        return recv(descriptor, &greeting, greeting.count, Int32(MSG_WAITALL)) == 5 && greeting[4] == 10
    }
}

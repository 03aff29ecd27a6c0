import Foundation
import Glibc
import Synchronization

/// A real redis-server on a port of its own, its data in a folder of its own; killed with the fixture.
public final class RedisFixture: Sendable {
    public let folder: TemporaryFolder
    /// Speaks in the clear, on 127.0.0.1; with TLS there is `tlsPort` beside it.
    public let port: Int
    /// Zero without TLS.
    public let tlsPort: Int
    /// Of the certificate authority that signed the server's certificate; empty without TLS.
    public let caFile: String
    /// The server's Unix domain socket.
    public let socketPath: String
    private let password: String?
    private let arguments: [String]
    private let server = Mutex<Process?>(nil)

    /// `arguments` go to redis-server as they are, such as `["--appendonly", "yes"]`; without them nothing is saved.
    public init(_ arguments: [String] = [], password: String? = nil, tls: Bool = false) throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        socketPath = folder.path + "/redis.sock"
        self.password = password
        var all = [
            "--bind", "127.0.0.1", "--port", "\(port)", "--dir", folder.path, "--unixsocket", socketPath, "--save", "",
        ]
        if let password { all += ["--requirepass", password] }
        if tls {
            let certificates = try TestCertificates(in: folder)
            caFile = certificates.caFile
            tlsPort = try FreePort.find()
            all += [
                "--tls-port", "\(tlsPort)", "--tls-cert-file", certificates.certificateFile, "--tls-key-file",
                certificates.keyFile, "--tls-ca-cert-file", caFile, "--tls-auth-clients", "no",
            ]
        } else {
            caFile = ""
            tlsPort = 0
        }
        self.arguments = all + arguments
    }

    deinit {
        if let running = server.withLock({ $0 }), running.isRunning {
            Glibc.kill(running.processIdentifier, SIGKILL)
        }
    }

    /// The address for a client, the password in it; over TLS when the fixture has it.
    public var url: String {
        let login = password.map { ":\($0)@" } ?? ""
        return tlsPort > 0 ? "rediss://\(login)127.0.0.1:\(tlsPort)" : "redis://\(login)127.0.0.1:\(port)"
    }

    public var log: String { (try? String(contentsOfFile: folder.path + "/redis.log", encoding: .utf8)) ?? "" }

    /// Starts the server; returns when it answers, its data loaded.
    public func start() async throws {
        let paths = ["/usr/bin", "/usr/local/bin", "/bin"].map { $0 + "/redis-server" }
        guard let binary = paths.first(where: FileManager.default.isExecutableFile) else {
            throw ConformanceFailure(description: "there is no redis-server on this machine: apt install redis-server")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        let path = folder.path + "/redis.log"
        if !FileManager.default.fileExists(atPath: path) { try folder.write("redis.log", "") }
        let file = FileHandle(forWritingAtPath: path)
        file?.seekToEndOfFile()
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try Spawn.run(process)
        server.withLock { $0 = process }
        // Ten seconds are plenty for an empty server on a busy machine.
        for _ in 0..<1000 where process.isRunning {
            if answers() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ConformanceFailure(description: "redis-server does not answer on port \(port)\n\(log)")
    }

    /// SIGKILL, as a crash.
    public func kill() async { await end(SIGKILL) }

    /// SIGTERM: the server saves what it was told to save; returns when it is gone.
    public func stop() async { await end(SIGTERM) }

    /// Starts it again on the same port and folder, after a `stop` when it runs.
    public func restart() async throws {
        await stop()
        try await start()
    }

    /// SIGSTOP: it accepts connections and answers nobody.
    public func pause() { signal(SIGSTOP) }

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

    /// Whether the server answers a PING, were it only that it wants a password first.
    private func answers() -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard FreePort.withAddress(port, { connect(descriptor, $0, $1) }) == 0 else { return false }
        let ping = "PING\r\n"
        guard send(descriptor, ping, ping.utf8.count, Int32(MSG_NOSIGNAL)) == ping.utf8.count else {
            return false
        }
        var reply = [UInt8](repeating: 0, count: 64)
        let count = recv(descriptor, &reply, reply.count, 0)
        let text = String(decoding: reply.prefix(max(0, count)), as: UTF8.self)
        return text.hasPrefix("+PONG") || text.hasPrefix("-NOAUTH")
    }
}

/// Ports of 127.0.0.1 that nobody has.
enum FreePort {
    /// Below the range from which the kernel takes ports for outgoing connections (ip(7)): it is still free after a
    /// server's restart. Throws when two hundred are taken.
    static func find() throws -> Int {
        for _ in 0..<200 {
            let port = Int.random(in: 15_000..<32_000)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { break }
            defer { close(descriptor) }
            if withAddress(port, { bind(descriptor, $0, $1) }) == 0 { return port }
        }
        throw ConformanceFailure(description: "no port of 127.0.0.1 is free")
    }

    static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

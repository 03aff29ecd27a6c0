import Foundation

/// A real redis-server on a port of its own, its data in a folder of its own; killed with the fixture.
public final class RedisFixture: ServerFixture {
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
    public let process: ServerProcess

    /// Makes a server; `arguments` go to it as they are, like `["--appendonly", "yes"]`; without, nothing is saved.
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
        process = ServerProcess("redis-server", try Program.find("redis-server"), all + arguments, in: folder)
    }

    /// The address for a client, the password in it; over TLS when the fixture has it.
    public var url: String {
        let login = password.map { ":\($0)@" } ?? ""
        return tlsPort > 0 ? "rediss://\(login)127.0.0.1:\(tlsPort)" : "redis://\(login)127.0.0.1:\(port)"
    }

    /// Starts the server; returns when it answers, its data loaded.
    public func start() async throws {
        try await process.start {
            // Were it only that it wants a password first.
            let reply = FreePort.reply(of: port, to: "PING\r\n", atMost: 64).map { String(decoding: $0, as: UTF8.self) }
            return reply?.hasPrefix("+PONG") == true || reply?.hasPrefix("-NOAUTH") == true
        }
    }
}

import Foundation

/// A real server of MongoDB's protocol, SecantusDB over WiredTiger, on a port of its own, its data in a folder of its own; killed
/// with the fixture.
///
/// It is the only member of the replica set `carillon`, or a server by itself.
public final class MongoFixture: ServerFixture {
    public static let user = "carillon"
    public static let password = "p@ss'wörd"

    public let folder: TemporaryFolder
    /// On 127.0.0.1, in the clear or with TLS.
    public let port: Int
    /// Of the certificate authority that signed the server's certificate; empty without TLS.
    public let caFile: String
    /// The server's certificate and its key, in one file; empty without TLS.
    public let certificateFile: String
    public let process: ServerProcess

    /// Makes a server; with `login` nobody gets in without `user` and `password`, with `demandsCertificate` nobody without one
    /// of the authority.
    public init(
        replicaSet: Bool = true, login: Bool = false, tls: Bool = false, demandsCertificate: Bool = false
    ) throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        let certificates = tls ? try TestCertificates(in: folder) : nil
        caFile = certificates?.caFile ?? ""
        var both = ""
        if let certificates {
            both = try folder.write(
                "server.pem",
                String(contentsOfFile: certificates.certificateFile, encoding: .utf8)
                    + String(contentsOfFile: certificates.keyFile, encoding: .utf8))
        }
        certificateFile = both
        process = ServerProcess(
            "the server of MongoDB's protocol", try VirtualEnvironment.program("mongo/bin/python"),
            [
                try folder.write("server.py", MongoProgram.text), folder.path, "\(port)", replicaSet ? "carillon" : "",
                login ? Self.user : "", login ? Self.password : "", certificates?.certificateFile ?? "",
                certificates?.keyFile ?? "", demandsCertificate ? caFile : "",
            ], environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"], in: folder)
    }

    /// For `store.url`, without user, password and TLS.
    public func address(_ database: String = "carillon") -> String { "mongodb://127.0.0.1:\(port)/\(database)" }

    /// Starts the server, the second time on the same data; returns when it answers.
    public func start() async throws {
        let before = log.count
        try await process.start { log.dropFirst(before).contains("listening") }
    }
}

/// What Python runs in a `MongoFixture`.
enum MongoProgram {
    static let text = #"""
        import os, signal, sys, threading
        from secantus import SecantusDBServer
        folder, port, name, user, password, certificate, key, authority = sys.argv[1:9]

        def server(port, **options):
            return SecantusDBServer(
                storage_path=os.path.join(folder, "data"), port=port, replica_set_name=name or None, durable=True, **options)

        if user and not os.path.exists(os.path.join(folder, "user")):
            from pymongo import MongoClient
            first = server(0)
            first.start()
            client = MongoClient(first.uri, directConnection=True)
            client.admin.command("createUser", user, pwd=password, roles=["root"])
            client.close()
            first.stop()
            open(os.path.join(folder, "user"), "w").close()

        options = {}
        if certificate: options.update(tls_cert_file=certificate, tls_key_file=key)
        if authority: options.update(tls_ca_file=authority, tls_require_client_cert=True)
        main = server(int(port), require_auth=bool(user), **options)
        over = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: over.set())
        main.start()
        print("listening", flush=True)
        over.wait()
        main.stop()
        """#
}

import Foundation

/// A real RabbitMQ server on a port of its own, its data in a folder of its own; killed with the fixture.
///
/// It has the administrator `guest` with the password `guest`, and the virtual host `/`. epmd(1), which Erlang starts
/// where none runs, is shared by all and stays.
public final class RabbitMQFixture: ServerFixture {
    public let folder: TemporaryFolder
    /// Speaks in the clear, on 127.0.0.1; with TLS there is `tlsPort` beside it.
    public let port: Int
    /// Zero without TLS.
    public let tlsPort: Int
    /// With TLS, the certificates; a client may show the server's own, which the same authority signed.
    public let certificates: TestCertificates?
    public let process: ServerProcess
    /// What the server and rabbitmqctl(8) have in common; as env(1) takes it.
    private let environment: [String: String]

    /// Makes a server; `settings` are lines of rabbitmq.conf, such as `["heartbeat = 2"]`. With `clientCertificates` it
    /// lets nobody in over TLS who shows none.
    public init(_ settings: [String] = [], tls: Bool = false, clientCertificates: Bool = false) throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        let path = folder.path
        var lines = ["listeners.tcp.1 = 127.0.0.1:\(port)", "disk_free_limit.absolute = 1MB"]
        if tls || clientCertificates {
            let made = try TestCertificates(in: folder)
            certificates = made
            tlsPort = try FreePort.find()
            lines += [
                "listeners.ssl.1 = 127.0.0.1:\(tlsPort)", "ssl_options.cacertfile = \(made.caFile)",
                "ssl_options.certfile = \(made.certificateFile)", "ssl_options.keyfile = \(made.keyFile)",
                "ssl_options.verify = \(clientCertificates ? "verify_peer" : "verify_none")",
                "ssl_options.fail_if_no_peer_cert = \(clientCertificates)",
            ]
        } else {
            certificates = nil
            tlsPort = 0
        }
        try folder.write("rabbitmq.conf", (lines + settings).joined(separator: "\n") + "\n")
        try folder.write("enabled_plugins", "[].\n")
        environment = [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
            // The cookie by which rabbitmqctl may talk to the server lies there.
            "HOME": path,
            // The script then becomes the Erlang VM itself, so that a signal to it is one to the server.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": "carillon-\(port)@localhost", "RABBITMQ_DIST_PORT": "\(try FreePort.find())",
            "RABBITMQ_MNESIA_BASE": path + "/data", "RABBITMQ_LOG_BASE": path, "RABBITMQ_LOGS": "-",
            "RABBITMQ_FEATURE_FLAGS_FILE": path + "/feature_flags", "RABBITMQ_PID_FILE": path + "/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": path + "/enabled_plugins", "RABBITMQ_CONFIG_FILE": path + "/rabbitmq",
            // Not the machine's own.
            "RABBITMQ_CONF_ENV_FILE": path + "/no-environment", "RABBITMQ_ADVANCED_CONFIG_FILE": path + "/no-advanced",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            // A small server: one scheduler, which does not spin while it has nothing to do.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
        ]
        process = ServerProcess(
            "rabbitmq-server", try Self.script("rabbitmq-server"), [], environment: environment, in: folder)
    }

    /// Of the certificate authority that signed the server's certificate; empty without TLS.
    public var caFile: String { certificates?.caFile ?? "" }

    /// The address for a client, user and password in it; over TLS when the fixture has it.
    public var url: String { tlsPort > 0 ? "amqps://guest:guest@127.0.0.1:\(tlsPort)/" : plainURL }

    /// The address in the clear, user and password in it.
    public var plainURL: String { "amqp://guest:guest@127.0.0.1:\(port)/" }

    /// Starts the server, the second time on the same data; returns when it answers.
    public func start() async throws {
        try await process.start {
            // It listens last of all, and answers the header of AMQP 0-9-1 with a method frame: Connection.Start.
            FreePort.reply(of: port, to: "AMQP\u{0}\u{0}\u{9}\u{1}", atMost: 1) == [1]
        }
    }

    /// Runs rabbitmqctl(8) on it, such as `ctl(["-q", "list_queues", "name", "messages"])`; answers what it writes. Throws
    /// when it fails, as on a server that does not run.
    @discardableResult
    public func ctl(_ arguments: [String]) async throws -> String {
        try await Program.output(
            try Program.find("env"),
            ["-i"] + environment.map { "\($0)=\($1)" } + [try Self.script("rabbitmqctl")] + arguments)
    }

    /// Reads how many messages of a queue nobody has confirmed, taken or not; nil for a queue that is not there.
    public func depth(of queue: String) async throws -> Int? {
        let list = try await ctl(["-q", "--no-table-headers", "list_queues", "name", "messages"])
        let rows = list.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        return rows.first { $0.count == 2 && $0[0] == queue }.flatMap { Int($0[1]) }
    }

    /// Finds the server's own scripts: those on the PATH are Debian's, which change the user and only then run these.
    private static func script(_ name: String) throws -> String {
        let path = "/usr/lib/rabbitmq/bin/" + name
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw ConformanceFailure(description: "there is no \(path); scripts/test.sh installs it")
        }
        return path
    }
}

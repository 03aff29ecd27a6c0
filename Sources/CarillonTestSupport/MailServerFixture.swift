import CarillonEngine
import Foundation

/// A real SMTP server, aiosmtpd, on a port of its own; killed with the fixture.
public final class MailServerFixture: ServerFixture {
    public enum Security: String, Sendable {
        /// STARTTLS first, or nothing.
        case startTLS
        case tls
        case none
    }

    public static let user = "carillon@example.com"
    public static let password = "s3cret-pässword"

    /// A mail as it came, read by Python's parser.
    public struct Mail: Sendable, Codable {
        public var from: String
        public var to: [String]
        public var isEncrypted: Bool
        /// Who was logged in; empty for nobody.
        public var login: String
        public var subject: String
        public var text: String
        /// All headers in order, decoded.
        public var headers: [[String]]
        /// What the parser found wrong.
        public var defects: [String]
        /// As it came over the line, Latin 1.
        public var raw: String

        public func header(_ name: String) -> String? { headers.first { $0[0] == name }?[1] }
    }

    public let folder: TemporaryFolder
    public let port: Int
    /// Of the authority that signed the server's certificate.
    public let caFile: String
    public let process: ServerProcess

    /// Makes a server; with `login` nobody gets in without `user` and `password`.
    public init(_ security: Security = .startTLS, login: Bool = true) throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        let certificates = try TestCertificates(in: folder)
        caFile = certificates.caFile
        try folder.write("smtp.py", MailServerProgram.text)
        try FileManager.default.createDirectory(atPath: folder.path + "/mails", withIntermediateDirectories: true)
        process = ServerProcess(
            "the SMTP server", try VirtualEnvironment.program("mail/bin/python"),
            [
                folder.path + "/smtp.py", folder.path, "\(port)", security.rawValue, certificates.certificateFile,
                certificates.keyFile, login ? Self.user : "", login ? Self.password : "",
            ], environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"], in: folder)
    }

    /// Starts it, also again on the same port; returns when it listens.
    public func start() async throws {
        let before = log.count
        try await process.start { log.dropFirst(before).contains("listening") }
    }

    /// Sets how it answers a command from now on, such as `answer("DATA", "451 4.3.0 later")`; nil for as usual.
    ///
    /// For `RCPT` the reply is for addresses that begin with `gone`. `HANG` is no reply at all.
    public func answer(_ command: String, _ reply: String?) throws {
        if let reply {
            try folder.write("answer.\(command)", reply)
        } else {
            try FileManager.default.removeItem(atPath: folder.path + "/answer.\(command)")
        }
    }

    /// Returns once it owes somebody a reply for good.
    public func untilHanging() async throws {
        let end = SystemClock().uptime + 60_000_000
        while SystemClock().uptime < end {
            if FileManager.default.fileExists(atPath: folder.path + "/hanging") { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ConformanceFailure(description: "nobody waits for the SMTP server\n\(log)")
    }

    /// Reads every mail so far, in order.
    public func mails() throws -> [Mail] {
        let path = folder.path + "/mails"
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".json") }.sorted().map {
            try JSONDecoder().decode(Mail.self, from: try Data(contentsOf: URL(fileURLWithPath: path + "/" + $0)))
        }
    }
}

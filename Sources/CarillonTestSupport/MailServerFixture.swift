import Foundation
import Synchronization

/// A real SMTP server, aiosmtpd, on a port of its own; killed with the fixture.
public final class MailServerFixture: Sendable {
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
    private let arguments: [String]
    private let server = Mutex<Process?>(nil)

    /// With `login` nobody gets in without `user` and `password`.
    public init(_ security: Security = .startTLS, login: Bool = true) throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        let certificates = try TestCertificates(in: folder)
        caFile = certificates.caFile
        try folder.write("smtp.py", MailServerProgram.text)
        try FileManager.default.createDirectory(atPath: folder.path + "/mails", withIntermediateDirectories: true)
        arguments = [
            folder.path + "/smtp.py", folder.path, "\(port)", security.rawValue, certificates.certificateFile,
            certificates.keyFile, login ? Self.user : "", login ? Self.password : "",
        ]
    }

    deinit {
        if let running = server.withLock({ $0 }), running.isRunning {
            Foundation.kill(running.processIdentifier, SIGKILL)
        }
    }

    public var log: String { (try? String(contentsOfFile: folder.path + "/smtp.log", encoding: .utf8)) ?? "" }

    /// Starts it, also again on the same port; returns when it listens.
    public func start() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let python = root.path + "/.build/venvs/mail/bin/python"
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw ConformanceFailure(description: "there is no \(python); scripts/test.sh installs it")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"]
        process.standardInput = FileHandle.nullDevice
        try folder.write("smtp.log", "")
        let file = FileHandle(forWritingAtPath: folder.path + "/smtp.log")
        process.standardOutput = file
        process.standardError = file
        try Spawn.run(process)
        server.withLock { $0 = process }
        for _ in 0..<1000 where process.isRunning {
            if log.contains("listening") { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ConformanceFailure(description: "the SMTP server does not listen on port \(port)\n\(log)")
    }

    /// SIGKILL; returns when it is gone.
    public func stop() async {
        guard let running = server.withLock({ $0 }) else { return }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                if running.isRunning {
                    Foundation.kill(running.processIdentifier, SIGKILL)
                    running.waitUntilExit()
                }
                continuation.resume()
            }
        }
        server.withLock { $0 = nil }
    }

    /// SIGSTOP: it takes connections and answers nobody.
    public func pause() {
        server.withLock { if let running = $0 { _ = Foundation.kill(running.processIdentifier, SIGSTOP) } }
    }

    /// How it answers a command from now on, such as `answer("DATA", "451 4.3.0 later")`; nil for as usual.
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
        for _ in 0..<1000 {
            if FileManager.default.fileExists(atPath: folder.path + "/hanging") { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ConformanceFailure(description: "nobody waits for the SMTP server\n\(log)")
    }

    /// Every mail so far, in order.
    public func mails() throws -> [Mail] {
        let path = folder.path + "/mails"
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".json") }.sorted().map {
            try JSONDecoder().decode(Mail.self, from: try Data(contentsOf: URL(fileURLWithPath: path + "/" + $0)))
        }
    }
}

import Foundation

/// A real OpenID provider on a port of its own; killed with the fixture. Its user is `guest`, with that password.
public final class OpenIDFixture: ServerFixture {
    /// What was asked of it.
    public struct Facts: Sendable, Codable {
        /// How often its key set was read.
        public var reads: Int
        /// Refresh tokens that are good.
        public var refreshes: Int
    }

    public let folder: TemporaryFolder
    public let process: ServerProcess
    public let issuer: String
    private let python: String

    /// Its clients: one without a secret, and one with.
    public static let client = "carillon"
    public static let secretive = (id: "secretive", secret: "sesame & more")

    /// Makes a provider; `lifetime` is how many seconds its tokens are good.
    public init(lifetime: Int = 300) throws {
        folder = try TemporaryFolder()
        let port = try FreePort.find()
        issuer = "http://127.0.0.1:\(port)"
        python = try VirtualEnvironment.program("oidc/bin/python")
        process = ServerProcess(
            "the OpenID provider", python,
            [try folder.write("provider.py", OpenIDProgram.text), "\(port)", "\(lifetime)"], in: folder)
        try folder.write("browser.py", OpenIDProgram.browser)
    }

    /// Starts it; returns when it answers.
    public func start() async throws {
        try await process.start { (try? await facts()) != nil }
    }

    public func facts() async throws -> Facts {
        try JSONDecoder().decode(Facts.self, from: Data(try await curl("/test/facts").utf8))
    }

    /// Has it sign with another key from now on; the one before stays in the key set if it is kept.
    public func rotate(keeping: Bool = false) async throws {
        _ = try await curl("/test/rotate\(keeping ? "?keep=1" : "")", "-X", "POST")
    }

    /// Has it sign what no provider would: members are `claims`, `alg`, `kid` and `key`, the number of the key.
    public func mint(_ asked: String = "{}") async throws -> String {
        try await curl("/test/mint", "-H", "Content-Type: application/json", "-d", asked)
    }

    /// Answers a device's question as a person would, who lets it in or not.
    public func answer(code: String, _ isAllowed: Bool) async throws {
        _ = try await curl("/device", "-d", "code=\(code)&user=guest&password=\(isAllowed ? "guest" : "no")")
    }

    private func curl(_ path: String, _ options: String...) async throws -> String {
        try await Program.output("/usr/bin/curl", ["-sSf", "-m", "10"] + options + [issuer + path])
    }

    /// Logs in at an address in a real browser; answers what the last page says.
    public func browse(_ address: String) async throws -> String {
        try await Program.output(python, [folder.path + "/browser.py", address, folder.path + "/profile"])
    }
}

import CarillonTestSupport
import Foundation
import Testing

/// The API as a real daemon serves it, and curl asks it.
@Suite(.timeLimit(.minutes(5))) struct APITests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    /// Runs curl; answers the status and the body.
    private func curl(_ port: Int, _ path: String, _ options: String = "") async throws -> (
        status: String, body: String
    ) {
        let line = "curl -sS -m 20 -w '\\n%{http_code}' \(options) 'http://127.0.0.1:\(port)\(path)'"
        let result = try await daemon.shell(line)
        #expect(result.error.isEmpty, "\(line): \(result.error)")
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (String(lines.last ?? ""), lines.dropLast().joined(separator: "\n"))
    }

    /// A port that nobody has.
    private func start(_ settings: String = "") async throws -> Int {
        let port = try FreePort.find()
        try daemon.folder.write("carillon.toml", "[api]\nlisten = \"127.0.0.1:\(port)\"\n\(settings)")
        try await daemon.start()
        return port
    }

    /// A proxy on this machine reaches it by a socket, and says for whom it asks.
    @Test func aSocketIsForProxies() async throws {
        let port = try await start("socket = \"api.sock\"\npublic_url = \"https://carillon.example.com/\"\n")
        let path = daemon.state + "/api.sock"
        try await daemon.eventually("it listens") { FileManager.default.fileExists(atPath: path) }
        let token = "-H \"Authorization: Bearer $(cat \(daemon.state)/api-token)\""
        func ask(_ rest: String) async throws -> String {
            try await daemon.shell("curl -sS -m 20 --unix-socket \(path) \(token) \(rest)").output
        }
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o660)
        #expect(try await ask("http://carillon.example.com/api/v1/jobs").contains("items"))
        #expect(try await ask("http://evil.example.com/api/v1/jobs").contains("wrong-host"))
        let document = try await curl(port, "/api/v1/openapi.json", token)
        #expect(document.body.contains(#""servers":[{"url":"https://carillon.example.com"}]"#))
        _ = try await ask("-X POST -H 'X-Forwarded-For: 1.2.3.4, 192.0.2.7' http://localhost/api/v1/reload")
        _ = try await ask("-X POST -H 'X-Forwarded-For: <b>' http://localhost/api/v1/reload")
        let trail = try await daemon.objects("audit", "--action", "reload")
        #expect(trail.compactMap { $0["from"] as? String } == ["socket", "192.0.2.7 by socket"], "\(trail)")
        #expect(await daemon.stop() == 0)
        // What is left of it is no reason not to begin again.
        try await daemon.start()
        try await daemon.eventually("it listens again") {
            try await ask("http://localhost/api/v1/jobs").contains("items")
        }
        #expect(await daemon.stop() == 0)
    }

    @Test func whoMayReadTheStateDirectoryHasAToken() async throws {
        let port = try await start()
        #expect(try await curl(port, "/api/status") == ("200", #"{"status":"OK"}"#))
        #expect(try await curl(port, "/healthz").status == "200")
        #expect(try await curl(port, "/readyz").status == "200")
        #expect(try await curl(port, "/api/jobs").status == "401")
        let path = daemon.state + "/api-token"
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let local = "-H \"Authorization: Bearer $(cat \(path))\""
        let job = #"-d '{"name":"report","interval":86400000,"enabled":true}'"#
        #expect(try await curl(port, "/api/jobs", "\(local) \(job)") == ("201", #"{"name":"report"}"#))
        let entry = try #require(try await daemon.objects("audit").first)
        #expect(entry["channel"] as? String == "api")
        #expect(entry["user"] as? String == "local")
        #expect(entry["action"] as? String == "add")

        let made = try await daemon.carillon("token", "create", "reader", "--scope", "jobs:read", "--expires", "1d")
        #expect(made.code == 0, "\(made)")
        let secret = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let token = "-H 'Authorization: Bearer \(secret)'"
        #expect(try await curl(port, "/api/jobs/report", token).status == "200")
        #expect(try await curl(port, "/api/jobs/report", "-X DELETE \(token)").status == "403")
        let listed = try await daemon.carillon("token", "list")
        #expect(listed.output.contains("reader") && listed.output.contains("jobs:read"))
        let views = try await daemon.objects("token", "list")
        #expect(
            Set(views.first?.keys.map { $0 } ?? []) == ["name", "scopes", "createdAt", "expiresAt", "usedAt", "use"])
        #expect(try await daemon.carillon("token", "create", "reader", "--scope", "jobs:read").code == 1)
        #expect(try await daemon.carillon("token", "create", "x", "--scope", "everything").code == 2)
        #expect(try await daemon.carillon("token", "revoke", "reader").code == 0)
        try await daemon.eventually("it is good for nothing") {
            try await curl(port, "/api/jobs/report", token).status == "401"
        }
        // Nobody can read it again.
        let kept = try await daemon.shell("grep -rl \(secret) \(daemon.state); true")
        #expect(kept.output == "")

        // The same token after a restart.
        #expect(await daemon.stop() == 0)
        try await daemon.start()
        #expect(try await curl(port, "/api/jobs", local).status == "200")
        #expect(await daemon.stop() == 0)
    }

    /// Over HTTP/2 where the client can; a certificate that is not good is said at the start.
    @Test func itSpeaksTLS() async throws {
        let certificates = try TestCertificates(in: daemon.folder)
        let port = try await start(
            "certificate_file = \"\(certificates.certificateFile)\"\nkey_file = \"\(certificates.keyFile)\"\n")
        for (option, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
            let line =
                "curl -sS -m 20 \(option) --cacert \(certificates.caFile) -w ' %{http_version}' https://localhost:\(port)/api/status"
            #expect(try await daemon.shell(line).output == #"{"status":"OK"} \#(version)"#)
        }
        #expect(try await daemon.shell("curl -s -m 20 http://127.0.0.1:\(port)/api/status").code != 0)
        #expect(await daemon.stop() == 0)
        try daemon.folder.write("server.crt", "no certificate")
        let refused = try await daemon.carillon("serve", "--state-dir", daemon.state)
        #expect(refused.code == 1)
        #expect(refused.error.contains("api.certificate_file"), "\(refused.error)")
    }

    @Test(arguments: [
        ("listen = \"0.0.0.0:8080\"", "api.insecure = true"), ("listen = \"8080\"", "expected an address and a port"),
        ("listen = \"0.0.0.0:8080\"\ninsecure = true", "nobody could prove who they are"),
        ("listen = \"127.0.0.1:0\"\n[api.oidc]\nissuer = \"http://login.example\"", "api.oidc.insecure"),
        ("listen = \"127.0.0.1:0\"\n[api.oidc]\naudience = \"x\"", "issuer"),
    ])
    func whatIsNotSafeIsRefused(_ settings: String, _ words: String) async throws {
        try daemon.folder.write("carillon.toml", "[api]\n\(settings)\n")
        let refused = try await daemon.carillon("serve", "--state-dir", daemon.state)
        #expect(refused.code == 2)
        #expect(refused.error.contains(words), "\(refused.error)")
    }

    /// Every way that the description leaves open is gone by schemathesis: no answer but those described, and none of 500 and above.
    @Test(.timeLimit(.minutes(5))) func theDescriptionHolds() async throws {
        let port = try await start("exec = true\n")
        for arguments in [
            ["backup", "--cron", "0 2 * * *", "--tag", "db", "--", "/bin/echo", "hello"],
            ["fails", "--every", "1h", "--shell", "exit 3"],
        ] {
            #expect(try await daemon.carillon(["jobs", "add"] + arguments).code == 0)
        }
        #expect(try await daemon.carillon("jobs", "run", "backup", "--wait").code == 0)
        let made = try await daemon.carillon("token", "create", "all", "--scope", Self.everything, "--expires", "1d")
        let secret = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let program = try VirtualEnvironment.program("api/bin/schemathesis")
        let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
        let result = try await daemon.shell(
            """
            cd "\(daemon.state)" && COLUMNS=200 '\(program)' run 'http://127.0.0.1:\(port)/api/v1/openapi.json' \
              -H 'Authorization: Bearer \(secret)' --checks \(checks) --phases examples,fuzzing --max-examples 20 \
              --exclude-path-regex '/(events|tail)$' --request-timeout 20 --seed \(Self.seed) --no-color 2>&1
            """)
        #expect(result.code == 0, "\(result.output.suffix(6_000))")
        let document = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "../../docs/openapi.json")
        let validator = try VirtualEnvironment.program("api/bin/openapi-spec-validator")
        #expect(try await Program.output(validator, [document.path]).contains("OK"))
        #expect(result.output.contains("Test cases:"), "\(result.output.suffix(2_000))")
        // Still well, and every job of its own still there.
        #expect(try await curl(port, "/healthz").status == "200")
        #expect(await daemon.stop() == 0)
    }

    private static let everything = "jobs:read,jobs:write,runs:read,runs:write,exec:write,system:read,system:write"
    private static let seed = Int.random(in: 1...1_000_000)

    @Test func aPortThatIsTakenIsSaid() async throws {
        let port = try await start()
        let other = try DaemonFixture()
        try other.folder.write("carillon.toml", "[api]\nlisten = \"127.0.0.1:\(port)\"\n")
        let refused = try await other.carillon("serve", "--state-dir", other.state)
        #expect(refused.code == 1)
        #expect(refused.error.contains("the API cannot listen on 127.0.0.1:\(port)"), "\(refused.error)")
        #expect(await daemon.stop() == 0)
    }
}

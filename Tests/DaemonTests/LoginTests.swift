import CarillonTestSupport
import Foundation
import Testing

/// A person who logs in at a real provider, and what a real daemon makes of the tokens that it gives. One at a time: the login comes
/// back to the same port each time.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LoginTests {
    private let daemon: DaemonFixture
    private let port: Int

    init() throws {
        daemon = try DaemonFixture()
        port = try FreePort.find()
    }

    private var url: String { "http://127.0.0.1:\(port)" }

    private func start(_ provider: OpenIDFixture) async throws {
        try await provider.start()
        try daemon.folder.write(
            "carillon.toml",
            """
            [api]
            listen = "127.0.0.1:\(port)"

            [api.oidc]
            issuer = "\(provider.issuer)"
            audience = "carillon"
            """)
        try await daemon.start()
    }

    /// Begins a login, waits for what it says on standard error, and has `meanwhile` done with it.
    private func login(
        _ options: String, until pattern: Regex<(Substring, Substring)>, _ meanwhile: (String) async throws -> Void
    ) async throws -> DaemonFixture.Result {
        let log = daemon.state + "/login.log"
        try? FileManager.default.removeItem(atPath: log)
        async let ended = daemon.shell("$C login \(options) --no-browser 2>\(log)")
        var found: String?
        try await eventually("it says where to log in") {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            found = text.firstMatch(of: pattern).map { String($0.1) }
            return found != nil
        }
        try await meanwhile(try #require(found))
        var result = try await ended
        result.error = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return result
    }

    /// Runs curl with a token; answers the status and the body.
    private func curl(_ path: String, _ token: String, _ options: String = "") async throws -> (
        status: String, body: String
    ) {
        let line = "curl -sS -m 20 -w '\\n%{http_code}' \(options) -H 'Authorization: Bearer \(token)' '\(url)\(path)'"
        let result = try await daemon.shell(line)
        #expect(result.error.isEmpty, "\(line): \(result.error)")
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (String(lines.last ?? ""), lines.dropLast().joined(separator: "\n"))
    }

    @Test func aPersonLogsInWithABrowser() async throws {
        let provider = try OpenIDFixture()
        try await start(provider)
        let before = try await daemon.carillon("jobs", "list", "-u", url)
        #expect(before.code == 1 && before.error.contains("carillon login -u \(url)"), "\(before)")

        let result = try await login("-u \(url)/api -i \(provider.issuer) -c carillon", until: /(http\S+authorize\S+)/)
        {
            address in
            #expect(address.contains("code_challenge_method=S256"))
            // Whoever does not know the login's own word ends it neither well nor badly.
            let forged = try await daemon.shell(
                "curl -s -o /dev/null -w '%{http_code}' 'http://localhost:5556/callback?code=x&state=y'")
            #expect(forged.output == "400")
            #expect(try await provider.browse(address).contains("You are logged in"))
        }
        #expect(result.code == 0, "\(result)")
        #expect(result.output.contains("logged in at \(provider.issuer) for \(url)"), "\(result)")
        #expect(result.output.contains("system:read"), "\(result)")
        let kept = daemon.state + "/.local/state/carillon/logins.json"
        #expect(try FileManager.default.attributesOfItem(atPath: kept)[.posixPermissions] as? Int == 0o600)

        let added = try await daemon.carillon(
            "add", "job", "-u", url + "/api", "-n", "resize", "-r", "2037-01-01T00:00:00Z", "-i", "60000")
        #expect(added.code == 0, "\(added)")
        let listed = try await daemon.objects("jobs", "list", "-u", url)
        #expect(listed.map { $0["name"] as? String } == ["resize"])
        let entry = try #require(try await daemon.objects("audit", "-u", url).first)
        #expect(entry["user"] as? String == "guest")
        #expect(entry["channel"] as? String == "api")
        // The daemon was told nothing by which somebody else could get in.
        #expect(!daemon.log.contains("eyJ"))

        // What signed the token is no key any more: the token is refused, and a new one, by the new key, is got without asking.
        try await provider.rotate()
        try await daemon.eventually("the new key is known") {
            try await curl("/api/jobs", provider.mint()).status == "200"
        }
        #expect(try await curl("/api/jobs", provider.mint(#"{"key":0}"#)).status == "401")
        #expect(try await daemon.carillon("jobs", "list", "-u", url).code == 0)

        let out = try await daemon.carillon("logout", "-u", url)
        #expect(out.code == 0 && out.output.contains("logged out at \(provider.issuer)"), "\(out)")
        #expect(try await provider.facts().refreshes == 0)
        #expect(try await daemon.carillon("jobs", "list", "-u", url).code == 1)
        #expect(await daemon.stop() == 0)
    }

    /// With a secret, and tokens that are over at once: each command renews them, and of many at once one is the first.
    @Test func aDeviceLogsInByACodeAndIsRenewed() async throws {
        let provider = try OpenIDFixture(lifetime: 1)
        try await start(provider)
        try daemon.folder.write("secret", OpenIDFixture.secretive.secret + "\n")
        let options =
            "-u \(url) -i \(provider.issuer) -c secretive --client-secret-file \(daemon.state)/secret --device"
        let refused = try await login(options, until: /type (\S+)/) { try await provider.answer(code: $0, false) }
        #expect(refused.code == 1 && refused.error.contains("access_denied"), "\(refused)")
        let result = try await login(options, until: /type (\S+)/) { try await provider.answer(code: $0, true) }
        #expect(result.code == 0 && result.output.contains("is renewed"), "\(result)")
        let many = try await daemon.shell(
            """
            for i in 1 2 3 4 5 6; do ($C jobs list -u \(url) >/dev/null || echo failed) & done
            wait
            """)
        #expect(many.output.isEmpty && many.error.isEmpty, "\(many)")
        await provider.kill()
        let away = try await daemon.carillon("jobs", "list", "-u", url)
        #expect(away.code == 1 && away.error.contains("nobody listens at \(provider.issuer)"), "\(away)")
        #expect(await daemon.stop() == 0)
    }

    @Test func tokensThatAreNotGoodAreRefused() async throws {
        let provider = try OpenIDFixture()
        try await start(provider)
        let good = try await provider.mint()
        #expect(try await curl("/api/jobs", good).status == "200")
        // By whatever makes a token that nobody should believe.
        for (asked, word) in [
            (#"{"claims":{"exp":1000000000}}"#, "expired"),
            (#"{"claims":{"iss":"https://id.example.com"}}"#, "issued by"),
            (#"{"claims":{"aud":"another"}}"#, "for another"),
            (#"{"alg":"none"}"#, "none"), (#"{"alg":"HS256"}"#, "HS256"),
        ] {
            let reply = try await curl("/api/jobs", try await provider.mint(asked))
            #expect(reply.status == "401" && reply.body.contains(word), "\(asked): \(reply)")
        }
        let job = #"-d '{"name":"resize","interval":86400000,"enabled":true}'"#
        let writer = try await provider.mint(#"{"claims":{"scope":"openid jobs:read jobs:write"}}"#)
        #expect(try await curl("/api/jobs", writer, job).status == "201")
        let run = try await curl("/api/v1/jobs/resize/runs", writer, "-X POST")
        #expect(run.status == "403" && run.body.contains(#""missing_scopes":["runs:write"]"#), "\(run)")
        // As Keycloak makes one: roles of the client, and an audience that says nothing of it.
        let roles = #""resource_access":{"carillon":{"roles":["jobs:read"]}}"#
        let keycloak = try await provider.mint(
            #"{"claims":{"aud":["account","carillon"],"azp":"carillon","scope":"profile email",\#(roles)}}"#)
        #expect(try await curl("/api/jobs", keycloak).status == "200")
        #expect(try await curl("/api/jobs", keycloak, job).status == "403")

        // Names of keys that nobody knows cost the provider next to nothing.
        let before = try await provider.facts().reads
        let names = try await (0..<60).asyncMap { try await provider.mint(#"{"kid":"unknown \#($0)"}"#) }
        for token in names { #expect(try await curl("/api/jobs", token).status == "401") }
        #expect(try await provider.facts().reads - before <= 6)
        // A new key beside the old one: both are good.
        try await provider.rotate(keeping: true)
        try await daemon.eventually("the new key is known") {
            try await curl("/api/jobs", provider.mint()).status == "200"
        }
        #expect(try await curl("/api/jobs", good).status == "200")
        // The old one goes: once the set is read again it is good for nothing.
        try await provider.rotate()
        try await daemon.eventually("the last key is known") {
            try await curl("/api/jobs", provider.mint()).status == "200"
        }
        #expect(try await curl("/api/jobs", good).status == "401")
        #expect(await daemon.stop() == 0)
    }

    @Test func aProviderThatIsNoneIsSaid() async throws {
        let provider = try OpenIDFixture()
        try await provider.start()
        for (options, code, word) in [
            ("-i http://id.example.com -c x", 2, "--insecure"), ("-i nonsense -c x", 2, "--issuer"),
            ("-i \(provider.issuer)/else -c x", 1, "is no OpenID provider"), ("-i \(provider.issuer)", 2, "client-id"),
            ("-i \(provider.issuer) -c nobody --device", 1, "invalid_client"),
            ("-i http://127.0.0.1:1 -c x", 1, "nobody listens"),
        ] {
            let result = try await daemon.shell("$C login \(options)")
            #expect(result.code == code && result.error.contains(word), "\(options): \(result)")
        }
        #expect(try await daemon.carillon("logout").output.contains("nobody is logged in"))
    }
}

extension Sequence {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var all: [T] = []
        for element in self { all.append(try await transform(element)) }
        return all
    }
}

import CarillonCore
import CarillonEngine
import CarillonTestSupport
import ControlAPI
import Foundation
import Testing
import Timetable

/// Who may ask what.
@Suite(.timeLimit(.minutes(5))) struct GuardTests {
    private func path(_ endpoint: Endpoint) -> String {
        endpoint.path.replacing("{name}", with: "none").replacing("{id}", with: "000000000000000000000000")
    }

    /// Each route with each scope: none is unguarded, and none asks for another.
    @Test func everyRouteAsksForItsScope() async throws {
        let rig = try await Rig()
        var tokens: [Scope: String] = [:]
        for scope in Scope.all { tokens[scope] = try await rig.token([scope]) }
        for endpoint in rig.endpoints {
            let (method, path) = (endpoint.method.rawValue, path(endpoint))
            let naked = try await rig.ask(method, path)
            guard let needed = endpoint.scope else {
                #expect(naked.status == 200, "\(path)")
                continue
            }
            #expect(naked.status == 401, "\(method) \(path)")
            #expect(naked.header("WWW-Authenticate") == "Bearer")
            for (scope, token) in tokens {
                let reply = try await rig.ask(method, path, token: token, body: method == "GET" ? nil : "{}")
                if scope == needed {
                    #expect(![401, 403].contains(reply.status), "\(method) \(path) with \(scope.rawValue)")
                } else {
                    #expect(reply.status == 403, "\(method) \(path) with \(scope.rawValue)")
                    #expect(reply.object["error"] as? String == "Missing required scopes")
                    #expect(reply.object["missing_scopes"] as? [String] == [needed.rawValue])
                }
            }
        }
        try await rig.stop()
    }

    @Test func aTokenEndsByItsTimeAndByAnOrder() async throws {
        let rig = try await Rig()
        let token = try await rig.token([.jobsRead], until: rig.clock.now.plus(60), name: "short")
        #expect(try await rig.ask("GET", "/api/jobs", token: token).status == 200)
        rig.clock.advance(by: 60_000_000)
        let late = try await rig.ask("GET", "/api/jobs", token: token)
        #expect(late.status == 401)
        #expect(late.object["code"] as? String == "expired-token")
        let other = try await rig.token([.jobsRead], name: "other")
        #expect(try await rig.ask("GET", "/api/jobs", token: other).status == 200)
        _ = await rig.desk.handle(.revokeToken("other"))
        rig.clock.advance(by: 2_000_000)
        #expect(try await rig.ask("GET", "/api/jobs", token: other).status == 401)
        #expect(try await rig.ask("GET", "/api/jobs", token: TokenSecret.draw()).status == 401)
        #expect(try await rig.ask("GET", "/api/jobs", token: "nonsense").status == 401)
        // What is kept does not tell the secret.
        #expect(try await !AccessTokens(in: rig.store).all().contains { $0.digest.contains(token.suffix(20)) })
        try await rig.stop()
    }

    /// A page of somebody else's that has its name point here is not answered.
    @Test func itAnswersToItsOwnNamesAlone() async throws {
        let rig = try await Rig(hosts: ["carillon.example"])
        for (host, status) in [
            ("127.0.0.1:8080", 200), ("localhost", 200), ("x.localhost:1", 200), ("[::1]:8080", 200),
            ("Carillon.Example", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("", 421),
            ("carillon.example:evil", 421),
        ] {
            #expect(try await rig.ask("GET", "/api/status", headers: ["Host": host]).status == status, "\(host)")
        }
        try await rig.stop()
    }

    @Test func whatIsAskedWronglyIsSaidInWords() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let wrong = try await rig.ask("PUT", "/api/jobs", token: token, body: "{}")
        #expect(wrong.status == 405)
        #expect((wrong.object["error"] as? String)?.contains("GET or POST") == true)
        #expect(wrong.header("Allow") == "GET, POST")
        let head = try await rig.ask("HEAD", "/healthz")
        #expect(head.status == 200)
        #expect(head.body.isEmpty)
        let strange = try await rig.ask("GET", "/api/runs?jobname=x", token: token)
        #expect(strange.status == 400)
        #expect((strange.object["error"] as? String)?.contains("jobName") == true)
        #expect(try await rig.ask("GET", "/api/runs?jobName=x&jobName=y", token: token).status == 400)
        #expect(try await rig.ask("GET", "/api/runs?status=skipped", token: token).status == 400)
        let large = #"{"name":"\#(String(repeating: "a", count: 2 << 20))"}"#
        #expect(try await rig.ask("POST", "/api/jobs", token: token, body: large).status == 413)
        // Not a job whose name has a sign for what could not be read.
        let spoilt = Array(#"{"name":""#.utf8) + [0xff, 0xfe] + Array(#"","interval":1000}"#.utf8)
        #expect(try await rig.ask("POST", "/api/jobs", token: token, bytes: spoilt).status == 400)
        #expect(try await rig.ask("GET", "/api/../etc/passwd", token: token).status == 404)
        let safe = try await rig.ask("GET", "/api/status")
        #expect(safe.header("X-Content-Type-Options") == "nosniff")
        #expect(safe.header("Access-Control-Allow-Origin") == nil)
        try await rig.stop()
    }

    @Test func aBodyThatCannotBeReadIsNoFaultOfOurs() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let text =
            "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n"
            + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nnone\r\n\r\n"
        let answer = try await SocketClient(port: rig.port).ask([Array(text.utf8)])
        #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
        try await rig.stop()
    }

    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", true), (":8080", "0.0.0.0", false), ("[::1]:1", "::1", true),
        ("localhost:80", "localhost", true), ("10.0.0.1:80", "10.0.0.1", false), ("[::]:80", "::", false),
    ])
    func addresses(_ text: String, _ host: String, _ isLoopback: Bool) throws {
        let address = try #require(ListenAddress(text))
        #expect(address.host == host)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "8080", "127.0.0.1", "127.0.0.1:x", "::1:80", "a:70000"])
    func whatIsNoAddress(_ text: String) { #expect(ListenAddress(text) == nil) }

    @Test func whoAsksTooOftenIsToldWhenToAskAgain() async throws {
        let rig = try await Rig(rate: 2)
        let (token, other) = (try await rig.token([.jobsRead]), try await rig.token([.jobsRead]))
        for _ in 0..<4 { #expect(try await rig.ask("GET", "/api/v1/jobs", token: token).status == 200) }
        let refused = try await rig.ask("GET", "/api/v1/jobs", token: token)
        #expect(refused.status == 429 && refused.header("Retry-After") == "1", "\(refused)")
        #expect(try await rig.ask("GET", "/api/v1/jobs", token: other).status == 200)
        rig.clock.advance(by: 500_000)
        #expect(try await rig.ask("GET", "/api/v1/jobs", token: token).status == 200)
        #expect(try await rig.ask("GET", "/api/v1/jobs", token: token).status == 429)
        try await rig.stop()
    }
}

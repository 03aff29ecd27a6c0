import CarillonCore
import CarillonTestSupport
import ControlAPI
import Foundation
import JWTKit
import MemoryStore
import Testing
import Timetable

/// Tokens of an OpenID provider, good ones and every kind of bad one.
@Suite(.timeLimit(.minutes(5))) struct OpenIDTests {
    private func claims(
        _ issuer: Issuer, _ scope: String = "jobs:read runs:read", expires: Double = 300,
        more: [String: JSONValue] = [:]
    ) -> [String: JSONValue] {
        let now = Double(Samples.noon.seconds)
        let usual: [String: JSONValue] = [
            "iss": .text(issuer.url), "sub": "somebody", "exp": .number(now + expires), "scope": .text(scope),
        ]
        return usual.merging(more) { $1 }
    }

    /// Asks with a token; answers the status and the code of what was wrong.
    private func ask(_ rig: Rig, _ token: String) async throws -> (status: Int, code: String?) {
        let reply = try await rig.ask("GET", "/api/jobs", token: token)
        return (reply.status, reply.object["code"] as? String)
    }

    @Test func aTokenIsGoodForItsScopes() async throws {
        let issuer = try await Issuer()
        let rig = try await Rig { issuer.provider($0) }
        #expect(try await ask(rig, try await issuer.token(claims(issuer))).status == 200)
        let weak = try await rig.ask(
            "GET", "/api/jobs", token: try await issuer.token(claims(issuer, "runs:read openid")))
        #expect(weak.status == 403)
        #expect(weak.object["missing_scopes"] as? [String] == ["jobs:read"])
        // As Keycloak makes them: for its own account, with the roles of the client.
        let keycloak = claims(
            issuer, "profile email",
            more: ["aud": "account", "azp": "cli", "resource_access": ["cli": ["roles": ["jobs:read"]]]])
        #expect(try await ask(rig, try await issuer.token(keycloak)).status == 200)
        // An order bears the name of who gave it.
        let named = claims(issuer, "jobs:write", more: ["preferred_username": "ana"])
        let body = #"{"name":"a","interval":1000}"#
        #expect(
            try await rig.ask("POST", "/api/jobs", token: try await issuer.token(named), body: body).status == 201)
        #expect(try await rig.store.audits(AuditQuery(limit: 1)).first?.user == "ana")
        try await rig.stop()
    }

    @Test func everythingElseIsRefused() async throws {
        let issuer = try await Issuer()
        let other = try await Issuer()
        let rig = try await Rig { issuer.provider($0) }
        func refused(_ what: String, _ token: String, _ code: String = "bad-token") async throws {
            let (status, found) = try await ask(rig, token)
            #expect(status == 401, "\(what)")
            #expect(found == code, "\(what)")
        }
        try await refused("expired", try await issuer.token(claims(issuer, expires: -61)), "expired-token")
        // Clocks may differ by a minute.
        #expect(try await ask(rig, try await issuer.token(claims(issuer, expires: -30))).status == 200)
        try await refused(
            "not yet", try await issuer.token(claims(issuer, more: ["nbf": .number(Double(Samples.noon.seconds) + 90)]))
        )
        var endless = claims(issuer)
        endless["exp"] = nil
        try await refused("without an end", try await issuer.token(endless))
        try await refused("of another issuer", try await issuer.token(claims(other)))
        try await refused("by another's key", try await other.token(claims(issuer)))
        try await refused("by another's key under a known name", try await other.token(claims(issuer), kid: "first"))
        let good = try await issuer.token(claims(issuer)).split(separator: ".")
        let none = Data(#"{"alg":"none","typ":"JWT"}"#.utf8).base64EncodedString().replacing("=", with: "")
        try await refused("unsigned", "\(none).\(good[1]).")
        let confused = JWTKeyCollection()
        await confused.add(hmac: .init(from: Data(issuer.publicKey.utf8)), digestAlgorithm: .sha256, kid: "first")
        try await refused(
            "signed with what all know", try await confused.sign(AnyClaims(all: claims(issuer)), kid: "first"))
        let forged = claims(issuer, "jobs:write")
        let payload = try JSONEncoder().encode(forged).base64EncodedString().replacing("=", with: "")
        try await refused("changed", "\(good[0]).\(payload).\(good[2])")
        for text in ["a.b.c", "..", "a.b", String(repeating: "a", count: 10_000)] {
            try await refused("no token", text)
        }
        try await rig.stop()
    }

    @Test func anAudienceIsKept() async throws {
        let issuer = try await Issuer()
        let rig = try await Rig { issuer.provider($0, audience: "carillon") }
        for (audience, status) in [
            ("carillon" as JSONValue, 200), (["x", "carillon"], 200), ("account", 401), (["x"], 401),
        ] {
            #expect(
                try await ask(rig, try await issuer.token(claims(issuer, more: ["aud": audience]))).status == status)
        }
        #expect(try await ask(rig, try await issuer.token(claims(issuer))).status == 401)
        try await rig.stop()
    }

    @Test func keysAreRotated() async throws {
        let issuer = try await Issuer()
        let rig = try await Rig { issuer.provider($0) }
        let old = try await issuer.token(claims(issuer, expires: 9_000))
        #expect(try await ask(rig, old).status == 200)
        try issuer.rotate(to: "second")
        rig.clock.advance(by: 10_000_000)
        #expect(try await ask(rig, try await issuer.token(claims(issuer, expires: 9_000))).status == 200)
        // Whoever has the old key signs nothing any more.
        #expect(try await ask(rig, old).status == 401)
        #expect(issuer.reads == 2)
        // Names that nobody knows cause a reading now and then.
        for number in 0..<60 {
            #expect(try await ask(rig, try await issuer.token(claims(issuer), kid: "k\(number)")).status == 401)
        }
        #expect(issuer.reads <= 3)
        try await rig.stop()
    }

    /// A provider that is away makes nobody's good token bad.
    @Test func whatIsKnownCountsWhileTheProviderIsAway() async throws {
        let issuer = try await Issuer()
        issuer.isAway(true)
        let rig = try await Rig { issuer.provider($0) }
        let token = try await issuer.token(claims(issuer, expires: 9_000))
        #expect(try await ask(rig, token).status == 503)
        issuer.isAway(false)
        rig.clock.advance(by: 10_000_000)
        #expect(try await ask(rig, token).status == 200)
        issuer.isAway(true)
        rig.clock.advance(by: 700_000_000)
        #expect(try await ask(rig, token).status == 200)
        try await rig.stop()
    }
}

package import AsyncHTTPClient
package import CarillonCore
import Foundation
import JWTKit
package import Logging
import NIOCore
import NIOHTTP1
import Timetable

/// Reads tokens of an OpenID provider: signed by one of its keys, for this API, and in time (OpenID Connect Discovery 1.0, RFC 7517,
/// RFC 7519, RFC 8725).
package actor OpenIDProvider<Clock: EngineClock> {
    private struct Discovery: Decodable {
        var issuer: String
        var keys: String

        private enum CodingKeys: String, CodingKey {
            case issuer
            case keys = "jwks_uri"
        }
    }

    private struct Header: Decodable {
        var alg: String
        var kid: String?
    }

    private let issuer: String
    private let audience: String?
    private let client: HTTPClient
    private let clock: Clock
    private let logger: Logger
    /// Each key by its name, with the one algorithm that it is for: which one a token names, its writer chose.
    private var keys: [String: (algorithm: String, key: JWTKeyCollection)] = [:]
    private var readAt: Int64?
    private var askedAt: Int64?
    private var reading: Task<Void, Never>?

    /// Only signatures whose keys are public: a key that everybody knows is no secret for HMAC.
    private static var algorithms: Set<String> {
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
    }
    /// Seconds by which clocks may differ.
    private static var leeway: Double { 60 }
    /// Microseconds: keys are read again after the one, and for an unknown name not sooner than after the other.
    private static var longest: Int64 { 600_000_000 }
    private static var shortest: Int64 { 10_000_000 }
    private static var mostBytes: Int { 1 << 20 }

    package init(issuer: String, audience: String?, _ client: HTTPClient, _ clock: Clock, _ logger: Logger) {
        self.issuer = issuer
        self.audience = audience
        self.client = client
        self.clock = clock
        self.logger = logger
    }

    private static func refused(_ why: String) -> APIError {
        APIError(401, "bad-token", "the token is refused: \(why)")
    }

    /// Answers whose token this is. Throws `APIError` of status 401, and 503 where the provider cannot be asked for its keys.
    package func principal(of token: String) async throws -> Principal {
        let header = try Self.header(of: token)
        guard Self.algorithms.contains(header.alg) else {
            throw Self.refused("its signature is '\(header.alg)'; expected one by a public key, such as RS256")
        }
        try await know(header.kid)
        let named = header.kid.map { kid in keys[kid].map { [$0] } ?? [] } ?? Array(keys.values)
        if named.isEmpty { throw Self.refused("nobody knows its key '\(header.kid ?? "")'") }
        var found: Claims?
        for key in named where key.algorithm == header.alg {
            found = try? await key.key.verify(token, as: Claims.self)
            if found != nil { break }
        }
        guard let claims = found else { throw Self.refused("its signature is not by a key of \(issuer)") }
        try check(claims)
        return Principal(name: claims.name, scopes: claims.scopes(of: audience), kind: "OpenID")
    }

    private static func header(of token: String) throws -> Header {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, token.utf8.count <= 16_384 else { throw refused("it is no JWT") }
        var text = String(parts[0].replacing("-", with: "+").replacing("_", with: "/"))
        while text.utf8.count % 4 != 0 { text += "=" }
        guard let bytes = Data(base64Encoded: text), let header = try? JSONDecoder().decode(Header.self, from: bytes)
        else {
            throw refused("it is no JWT")
        }
        return header
    }

    private func check(_ claims: Claims) throws {
        let now = Double(clock.now.microseconds) / 1_000_000
        guard claims.iss == issuer else {
            throw Self.refused("it was issued by '\(claims.iss ?? "nobody")', not by \(issuer)")
        }
        guard let end = claims.exp else { throw Self.refused("it never expires") }
        if end + Self.leeway <= now { throw APIError(401, "expired-token", "the token has expired") }
        if let begin = claims.nbf, begin - Self.leeway > now { throw Self.refused("its time has not come yet") }
        if let audience, !claims.audiences.contains(audience) {
            throw Self.refused("it is for \(claims.audiences.sorted().joined(separator: ", ")), not for \(audience)")
        }
    }

    // MARK: Keys

    /// Sees to it that keys are at hand, and looks for one that is not known, though not for each.
    private func know(_ kid: String?) async throws {
        let now = clock.uptime
        let isKnown = kid.map { keys[$0] != nil } ?? true
        let isFresh = readAt.map { now - $0 < Self.longest } ?? false
        if isFresh, isKnown { return }
        // Tokens of anybody may name what they like.
        if reading == nil, askedAt.map({ now - $0 >= Self.shortest }) ?? true {
            askedAt = now
            reading = Task { await self.readAnew() }
        }
        // What was read before counts on, and nobody waits for it to be read again.
        if isKnown, readAt != nil { return }
        await reading?.value
        if readAt == nil {
            throw APIError(503, "unavailable", "the keys of \(issuer) cannot be read; try again soon")
        }
    }

    private func readAnew() async {
        defer { reading = nil }
        do {
            try await read()
        } catch {
            logger.warning(
                "the keys of the OpenID provider cannot be read",
                metadata: ["issuer": "\(issuer)", "error": "\(error)"])
        }
    }

    private func read() async throws {
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        let found = try JSONDecoder().decode(
            Discovery.self, from: try await get(base + "/.well-known/openid-configuration"))
        guard found.issuer == issuer else {
            throw APIError(503, "unavailable", "it says that it is '\(found.issuer)'")
        }
        guard found.keys.hasPrefix("https://") || !issuer.hasPrefix("https://") else {
            throw APIError(503, "unavailable", "its keys would come without TLS, from \(found.keys)")
        }
        let set = try JSONSerialization.jsonObject(with: try await get(found.keys)) as? [String: Any]
        var fresh: [String: (algorithm: String, key: JWTKeyCollection)] = [:]
        for (place, key) in (set?["keys"] as? [[String: Any]] ?? []).enumerated()
        where key["use"] as? String ?? "sig" == "sig" {
            var key = key
            let name = key["kid"] as? String ?? "unnamed \(place)"
            // One of a kind that is not known here is none of a token that is.
            guard let algorithm = key["alg"] as? String ?? Self.algorithm(of: key) else { continue }
            (key["kid"], key["alg"]) = (name, algorithm)
            let one = JWTKeyCollection()
            guard let bytes = try? JSONSerialization.data(withJSONObject: key),
                let jwk = try? JSONDecoder().decode(JWK.self, from: bytes),
                (try? await one.add(jwk: jwk, isDefault: true)) != nil
            else { continue }
            fresh[name] = (algorithm, one)
        }
        (keys, readAt) = (fresh, clock.uptime)
    }

    /// What a key is for that does not say it itself.
    private static func algorithm(of key: [String: Any]) -> String? {
        switch (key["kty"] as? String, key["crv"] as? String) {
        case ("RSA", _): "RS256"
        case ("EC", "P-256"): "ES256"
        case ("EC", "P-384"): "ES384"
        case ("EC", "P-521"): "ES512"
        case ("OKP", _): "EdDSA"
        default: nil
        }
    }

    private func get(_ url: String) async throws -> Data {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Accept", value: "application/json")
        let response = try await client.execute(request, timeout: .seconds(5))
        guard response.status == .ok else {
            throw APIError(503, "unavailable", "\(url) answers \(response.status.code)")
        }
        return Data(try await response.body.collect(upTo: Self.mostBytes).readableBytesView)
    }
}

/// What a token says, as far as anybody asks.
private struct Claims: JWTPayload {
    struct Roles: Codable { var roles: [String]? }
    /// One text or several.
    struct Words: Codable {
        var all: [String]

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            all = try (try? [value.decode(String.self)]) ?? value.decode([String].self)
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            try value.encode(all)
        }
    }

    var iss: String?
    var sub: String?
    var exp: Double?
    var nbf: Double?
    var aud: Words?
    var azp: String?
    var scope: Words?
    var username: String?
    var realm: Roles?
    var clients: [String: Roles]?

    private enum CodingKeys: String, CodingKey {
        case iss, sub, exp, nbf, aud, azp, scope
        case username = "preferred_username"
        case realm = "realm_access"
        case clients = "resource_access"
    }

    /// The signature is all that is asked of the library: time is this daemon's.
    func verify(using algorithm: some JWTAlgorithm) async throws {}

    var name: String { username ?? sub ?? azp ?? "somebody" }

    var audiences: Set<String> { Set(aud?.all ?? []) }

    /// What is written as a scope; where that says nothing of this API's, the roles of that name in the realm and in the client.
    func scopes(of audience: String?) -> Set<Scope> {
        let words = scope?.all.flatMap { $0.split(separator: " ").map { Scope(rawValue: String($0)) } } ?? []
        let known = Scope.all.intersection(words)
        if !known.isEmpty { return known }
        let client = [audience, azp].compactMap { $0 }.flatMap { clients?[$0]?.roles ?? [] }
        return Scope.all.intersection(((realm?.roles ?? []) + client).map(Scope.init(rawValue:)))
    }
}

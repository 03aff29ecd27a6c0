import CarillonDaemon
import CarillonEngine
import Crypto
import Foundation
import Timetable

/// A provider at which a person logs in (OpenID Connect Core 1.0; RFC 6749, 7636, 8628).
package struct OpenIDClient: Sendable {
    /// What is known of the program that asks for tokens.
    package struct Client: Sendable {
        package var id: String
        package var secret: String?

        package init(id: String, secret: String?) {
            self.id = id
            self.secret = secret
        }
    }

    private struct Discovery: Decodable {
        var issuer: String
        var authorizationEndpoint: String
        var tokenEndpoint: String
        var deviceAuthorizationEndpoint: String?
        var revocationEndpoint: String?
        var scopesSupported: [String]?
        var tokenEndpointAuthMethodsSupported: [String]?
    }

    /// What the provider gave.
    package struct Grant: Sendable, Decodable {
        package var accessToken: String
        package var refreshToken: String?
        var idToken: String?
        /// Seconds.
        package var expiresIn: Double?
        package var scope: String?
    }

    /// Says why the provider gives nothing, by its own words.
    package struct Refusal: Error, Decodable {
        package var error: String
        var errorDescription: String?

        package var words: String { error + (errorDescription.map { ": \($0)" } ?? "") }
    }

    private let client: Client
    private let web: WebClient
    private let discovery: Discovery

    /// Where tokens are asked for, and where they are ended.
    package var tokenEndpoint: String { discovery.tokenEndpoint }
    package var revocationEndpoint: String? { discovery.revocationEndpoint }
    package var issuer: String { discovery.issuer }
    /// Whether the secret goes into a header (RFC 6749, 2.3.1), as all providers take it that say nothing else.
    package var isBasic: Bool {
        discovery.tokenEndpointAuthMethodsSupported?.contains("client_secret_basic") ?? true
    }

    /// Asks a provider what it is. Throws `Failure`.
    package init(issuer: String, _ client: Client, insecure: Bool, _ web: WebClient) async throws {
        self.client = client
        self.web = web
        let address = try APIAddress(issuer, option: "--issuer")
        guard address.isSecure || address.isLoopback || insecure else {
            throw Failure.input("\(issuer) would be told secrets without TLS; --insecure tells them all the same")
        }
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        let answer = try await Self.fetch(WebClient.Request("GET", base + "/.well-known/openid-configuration"), web)
        guard answer.status == 200, let found = try? Self.decoder.decode(Discovery.self, from: answer.body) else {
            throw Failure.failed(
                "\(issuer) is no OpenID provider: \(answer.status) at /.well-known/openid-configuration")
        }
        guard found.issuer == issuer else {
            throw Failure.failed("\(issuer) says that it is '\(found.issuer)'; give that with -i")
        }
        let places = [
            found.authorizationEndpoint, found.tokenEndpoint, found.deviceAuthorizationEndpoint,
            found.revocationEndpoint,
        ]
        for place in places.compactMap({ $0 }) where address.isSecure && !place.hasPrefix("https://") {
            throw Failure.failed("\(issuer) has \(place) without TLS")
        }
        discovery = found
    }

    private static func fetch(_ request: WebClient.Request, _ web: WebClient) async throws -> WebClient.Answer {
        do {
            return try await web.send(request, first: 1 << 20)
        } catch let failure as Failure {
            // It is a provider that is away, and no daemon.
            throw failure.code == 2 ? failure : Failure.failed(failure.message)
        }
    }

    /// The scopes to ask for where nobody says: those of Simple Scheduler's, and what else of ours the provider knows.
    package func scopes() -> [String] {
        let ours = ["exec:write", "system:read", "system:write"]
        return ["openid", "jobs:read", "jobs:write", "runs:read", "runs:write"]
            + ours.filter { discovery.scopesSupported?.contains($0) ?? false }
    }

    // MARK: With a browser

    /// A login that somebody is to carry out in a browser.
    package struct Attempt: Sendable {
        package let address: String
        /// The word by which the browser is known again.
        package let state: String
        fileprivate let nonce: String
        fileprivate let verifier: String
        fileprivate let redirect: String
    }

    package func attempt(_ scopes: [String], redirect: String) -> Attempt {
        let (state, nonce, verifier) = (Self.draw(), Self.draw(), Self.draw())
        let challenge = Self.base64(Data(SHA256.hash(data: Data(verifier.utf8))))
        let query = Self.form([
            ("response_type", "code"), ("client_id", client.id), ("redirect_uri", redirect),
            ("scope", scopes.joined(separator: " ")), ("state", state), ("nonce", nonce),
            ("code_challenge", challenge), ("code_challenge_method", "S256"),
        ])
        let end = discovery.authorizationEndpoint
        return Attempt(
            address: end + (end.contains("?") ? "&" : "?") + query, state: state, nonce: nonce, verifier: verifier,
            redirect: redirect)
    }

    /// Makes tokens of the code that the browser brought. Throws `Failure`.
    package func grant(code: String, _ attempt: Attempt) async throws -> Grant {
        let grant = try await said {
            try await tokens([
                ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", attempt.redirect),
                ("code_verifier", attempt.verifier),
            ])
        }
        try check(grant.idToken, nonce: attempt.nonce)
        return grant
    }

    private struct Claims: Decodable {
        /// One text or several.
        struct Words: Decodable {
            var all: [String]

            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                all = try (try? [value.decode(String.self)]) ?? value.decode([String].self)
            }
        }

        var iss: String
        var aud: Words
        var exp: Double
        var nonce: String?
    }

    /// Sees to it that the ID token answers this login. It came from the provider itself, over a line that says who that is, so
    /// that its signature says nothing more (OpenID Connect Core, 3.1.3.7, 6).
    private func check(_ token: String?, nonce: String) throws {
        let parts = token?.split(separator: ".") ?? []
        guard parts.count == 3, let bytes = Self.bytes(parts[1]),
            let claims = try? JSONDecoder().decode(Claims.self, from: bytes)
        else {
            throw Failure.failed("\(issuer) gave no ID token")
        }
        let now = Double(SystemClock().now.microseconds) / 1_000_000
        guard claims.iss == issuer, claims.aud.all.contains(client.id), claims.exp + 60 > now, claims.nonce == nonce
        else {
            throw Failure.failed("the ID token of \(issuer) answers another login")
        }
    }

    // MARK: Without one

    /// What a person types into a browser elsewhere.
    package struct Device: Sendable, Decodable {
        fileprivate var deviceCode: String
        fileprivate var userCode: String
        fileprivate var verificationUri: String
        fileprivate var verificationUriComplete: String?
        fileprivate var expiresIn: Double
        fileprivate var interval: Double?

        package var code: String { userCode }
        package var address: String { verificationUri }
        package var wholeAddress: String? { verificationUriComplete }
    }

    package func device(_ scopes: [String]) async throws -> Device {
        guard let end = discovery.deviceAuthorizationEndpoint else {
            throw Failure.failed("\(issuer) knows no login by a device code; leave --device out")
        }
        return try await said { try await post(end, [("scope", scopes.joined(separator: " "))]) }
    }

    /// Waits until somebody has typed the code. Throws `Failure` when nobody does, or says no.
    package func grant(_ device: Device) async throws -> Grant {
        let clock = SystemClock()
        let deadline = clock.uptime + Int64(device.expiresIn * 1_000_000)
        var pause = Int64((device.interval ?? 5) * 1_000_000)
        while clock.uptime < deadline {
            try await clock.sleep(for: pause)
            do {
                return try await tokens([
                    ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", device.deviceCode),
                ])
            } catch let refusal as Refusal {
                switch refusal.error {
                case "authorization_pending": break
                case "slow_down": pause += 5_000_000
                default: throw Failure.failed("\(issuer) gives no token: \(refusal.words)")
                }
            }
        }
        throw Failure.failed("nobody typed the code in time")
    }

    // MARK: Tokens

    private func said<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let refusal as Refusal {
            throw Failure.failed("\(issuer) gives no token: \(refusal.words)")
        }
    }

    private func tokens(_ fields: [(String, String)]) async throws -> Grant {
        try await post(discovery.tokenEndpoint, fields)
    }

    private func post<Value: Decodable>(_ end: String, _ fields: [(String, String)]) async throws -> Value {
        try await Self.post(end, fields, client, isBasic: isBasic, web)
    }

    /// Sends a form as this client. Throws `Failure`, and `Refusal` where the provider says why.
    static func post<Value: Decodable>(
        _ end: String, _ fields: [(String, String)], _ client: Client, isBasic: Bool, _ web: WebClient
    ) async throws -> Value {
        var request = WebClient.Request("POST", end)
        var fields = fields
        if let secret = client.secret, isBasic {
            let pair = "\(client.id.percentEncoded):\(secret.percentEncoded)"
            request.headers.append(("Authorization", "Basic " + Data(pair.utf8).base64EncodedString()))
        } else {
            fields.append(("client_id", client.id))
            if let secret = client.secret { fields.append(("client_secret", secret)) }
        }
        request.headers += [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        request.body = Array(form(fields).utf8)
        let answer = try await fetch(request, web)
        if answer.status == 200 {
            if let value = try? decoder.decode(Value.self, from: answer.body) { return value }
            // What is revoked leaves nothing to say (RFC 7009, 2.2).
            if let nothing = Nothing() as? Value { return nothing }
        }
        if let refusal = try? decoder.decode(Refusal.self, from: answer.body) { throw refusal }
        throw Failure.failed("\(end) answers \(answer.status), and not as OAuth has it")
    }

    struct Nothing: Decodable {}

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    private static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\($0.percentEncoded)=\($1.percentEncoded)" }.joined(separator: "&")
    }

    /// Draws a secret of 256 bits.
    private static func draw() -> String { base64(SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }) }

    private static func base64(_ bytes: Data) -> String {
        bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func bytes(_ text: Substring) -> Data? {
        var text = text.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return Data(base64Encoded: String(text))
    }
}

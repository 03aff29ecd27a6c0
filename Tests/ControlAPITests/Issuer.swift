import AsyncHTTPClient
import CarillonCore
import CarillonTestSupport
import ControlAPI
import CryptoExtras
import Foundation
import Hummingbird
import JWTKit
import Logging
import Synchronization

/// An OpenID provider in this process: it says where its keys are, signs whatever it is told to, and takes new keys.
final class Issuer: Sendable {
    private struct State {
        var keys: [(kid: String, key: JWTKit.Insecure.RSA.PrivateKey)] = []
        var reads = 0
        var isAway = false
    }

    private let state = Mutex(State())
    private let serving: Task<Void, any Error>
    let url: String

    /// How often anybody has read its keys.
    var reads: Int { state.withLock { $0.reads } }

    /// Its answers are errors as long as it is away.
    func isAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

    init() async throws {
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let router = Router()
        let answers = Answers()
        router.get(".well-known/openid-configuration") { _, _ in try answers.issuer.value().discovery() }
        router.get("keys") { _, _ in try answers.issuer.value().keySet() }
        let app = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { found.yield($0.localAddress?.port ?? 0) }, logger: .silent)
        serving = Task { try await app.run() }
        var first = ports.makeAsyncIterator()
        url = "http://127.0.0.1:\(await first.next() ?? 0)"
        answers.issuer.set(self)
        try rotate(to: "first")
    }

    deinit { serving.cancel() }

    /// What its routes ask, who is there only after them.
    private struct Answers { let issuer = Later<Issuer>() }

    private func discovery() throws -> Hummingbird.Response {
        try json(["issuer": url, "jwks_uri": url + "/keys"])
    }

    private func keySet() throws -> Hummingbird.Response {
        let keys = state.withLock { state in
            state.reads += 1
            return state.keys
        }
        let set = try keys.map { key in
            let (n, e) = try key.key.publicKey.getKeyPrimitives()
            return ["kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.kid, "n": text(n), "e": text(e)]
        }
        return try json(["keys": set + [["kty": "strange", "kid": "x"]]])
    }

    private func json(_ object: [String: Any]) throws -> Hummingbird.Response {
        if state.withLock({ $0.isAway }) { return .init(status: .serviceUnavailable) }
        return .init(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: .init(bytes: try JSONSerialization.data(withJSONObject: object))))
    }

    private func text(_ bytes: Data) -> String {
        bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Has one key alone from now on.
    func rotate(to kid: String) throws {
        let key = try JWTKit.Insecure.RSA.PrivateKey(backing: _RSA.Signing.PrivateKey(keySize: .bits2048))
        state.withLock { $0.keys = [(kid, key)] }
    }

    var publicKey: String { state.withLock { $0.keys[0].key.publicKey.pemRepresentation } }

    /// Signs claims with its present key, under another name for it if one is given.
    func token(_ claims: [String: JSONValue], kid: String? = nil) async throws -> String {
        let (name, key) = state.withLock { $0.keys[0] }
        let keys = JWTKeyCollection()
        await keys.add(rsa: key, digestAlgorithm: .sha256, kid: .init(string: kid ?? name))
        return try await keys.sign(AnyClaims(all: claims), kid: .init(string: kid ?? name))
    }

    /// Makes a provider that reads its keys.
    func provider(_ clock: ManualClock, audience: String? = nil) -> OpenIDProvider<ManualClock> {
        OpenIDProvider(issuer: url, audience: audience, HTTPClient.shared, clock, .silent)
    }
}

/// Something that is there later.
final class Later<Value: AnyObject & Sendable>: Sendable {
    private struct Missing: Error {}
    private struct Reference { weak var value: Value? }
    private let reference = Mutex(Reference())

    func set(_ value: Value) { reference.withLock { $0.value = value } }

    func value() throws -> Value {
        guard let value = reference.withLock({ $0.value }) else { throw Missing() }
        return value
    }
}

enum JSONValue: Codable, Sendable, ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral
{
    case text(String)
    case number(Double)
    case list([JSONValue])
    case object([String: JSONValue])

    init(stringLiteral value: String) { self = .text(value) }
    init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(Dictionary(elements) { $1 }) }
    init(arrayLiteral elements: JSONValue...) { self = .list(elements) }

    init(from decoder: any Decoder) throws { self = .text(try decoder.singleValueContainer().decode(String.self)) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        case .list(let list): try container.encode(list)
        case .object(let object): try container.encode(object)
        }
    }
}

struct AnyClaims: JWTPayload {
    var all: [String: JSONValue]

    init(all: [String: JSONValue]) { self.all = all }

    init(from decoder: any Decoder) throws { all = try decoder.singleValueContainer().decode([String: JSONValue].self) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(all)
    }

    func verify(using algorithm: some JWTAlgorithm) async throws {}
}

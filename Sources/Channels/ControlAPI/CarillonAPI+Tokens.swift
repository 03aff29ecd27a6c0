import CarillonConfiguration
import CarillonCore
import CarillonEngine
import Timetable

/// A token of a program, as everybody may see it who may see the daemon.
struct TokenView: Codable, Sendable {
    var name: String
    var scopes: [String]
    var createdAt: Timestamp
    var expiresAt: Timestamp?
    var usedAt: Timestamp?
    /// Of a browser's, what it is for.
    var use: AccessToken.Use?

    init(_ token: AccessToken) {
        name = token.name
        scopes = token.scopes.sorted()
        createdAt = token.createdAt
        expiresAt = token.expiresAt
        usedAt = token.usedAt
        use = token.use
    }
}

/// A token that was just made.
struct NewTokenView: Codable, Sendable {
    var name: String
    var scopes: [String]
    var expiresAt: Timestamp?
    /// Its secret, which is told this once; nil where whoever asked has drawn it.
    var token: String?
}

/// The tokens of programs.
extension CarillonAPI {
    private static let newToken = Endpoint.Body(
        .object(
            nil,
            [
                .init("name", .text()), .init("scopes", .list(.words(Scope.all.map(\.rawValue).sorted()))),
                .init("expires", .orNull(.text()), isRequired: false),
                .init("digest", .orNull(.text()), isRequired: false),
                .init("use", .orNull(.words(["link"])), isRequired: false),
                .init("holder", .orNull(.text()), isRequired: false),
            ]), example: #"{"name":"grafana","scopes":["jobs:read"],"expires":"90d"}"#)

    var tokens: [Endpoint] {
        [
            Endpoint(
                .get, "/api/v1/tokens", .systemRead, "The tokens of programs, without what is secret.",
                .json(Page<TokenView>.self)
            ) { call in
                guard case .tokens(let tokens) = try await ask(.tokens, call) else { throw Unexpected() }
                return try Self.page(tokens.map { TokenView($0) }, next: nil)
            },
            Endpoint(
                .post, "/api/v1/tokens", .systemWrite,
                "Makes a token, for no more than whoever asks may do; with the SHA-256 of a secret, as digest, none is drawn.",
                body: Self.newToken, .json(NewTokenView.self, status: 201)
            ) { call in
                var table = try call.table()
                let name = table.required("name", table.string("name"))
                let scopes = table.required("scopes", table.strings("scopes"))
                let (length, digest) = (table.span("expires"), table.string("digest"))
                let (use, holder) = (table.string("use"), table.string("holder"))
                if let use, use != AccessToken.Use.link.rawValue {
                    table.complain("use", "expected link, found '\(use)'")
                }
                if let digest, digest.utf8.count != 64 || !digest.allSatisfy(\.isHexDigit) {
                    table.complain("digest", "expected the 64 hexadecimal digits of a SHA-256")
                }
                if let strange = scopes?.first(where: { !Scope.all.contains(Scope(rawValue: $0)) }) {
                    table.complain("scopes", "there is no scope '\(strange)'")
                }
                if scopes?.isEmpty == true { table.complain("scopes", "a token needs one") }
                table.finish()
                guard let name, let scopes, table.problems.isEmpty else { throw APIError(table.problems) }
                let wanted = Set(scopes.map { Scope(rawValue: $0) })
                guard wanted.isSubset(of: call.scopes) else {
                    var error = APIError(403, "missing-scopes", "Missing required scopes")
                    error.missing = wanted.subtracting(call.scopes).sorted()
                    throw error
                }
                guard case .status(let status) = try await ask(.status, call) else { throw Unexpected() }
                let secret = digest == nil ? TokenSecret.draw() : nil
                let token = AccessToken(
                    name: Job.canonical(name), digest: digest?.lowercased() ?? TokenSecret.digest(of: secret ?? ""),
                    scopes: Set(scopes), createdAt: status.now,
                    expiresAt: length.map { status.now.adding(microseconds: $0) },
                    use: use.flatMap(AccessToken.Use.init(rawValue:)), holder: holder)
                _ = try await ask(.addToken(token), call)
                return Answer(
                    201,
                    try Self.json(
                        NewTokenView(
                            name: token.name, scopes: token.scopes.sorted(), expiresAt: token.expiresAt, token: secret))
                )
            },
            Endpoint(
                .delete, "/api/v1/tokens/{name}", .systemWrite, "Lets a token be good for nothing.", .done
            ) { call in try await done(.revokeToken(Job.canonical(call["name"])), call) },
        ]
    }
}

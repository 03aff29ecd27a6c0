package import CarillonCore
package import CarillonEngine
import Timetable

/// Who makes a request, as their token says.
package struct Principal: Hashable, Sendable {
    package var name: String
    package var scopes: Set<Scope>
    /// What the token is, for people and the trail of orders.
    package var kind: String

    package init(name: String, scopes: Set<Scope>, kind: String) {
        self.name = name
        self.scopes = scopes
        self.kind = kind
    }
}

/// Reads tokens: of this machine, of the store, and of an OpenID provider.
package actor Gate<Clock: EngineClock> {
    private let tokens: AccessTokens
    private let clock: Clock
    /// Of the token that lies in the state directory.
    private let local: String?
    private let provider: OpenIDProvider<Clock>?
    private var known: [String: AccessToken] = [:]
    private var readAt = Int64.min
    /// Which were used since that was written last.
    private var used: [String: Timestamp] = [:]

    /// Microseconds for which tokens that were read count: as long as one that is revoked may still be used.
    private static var fresh: Int64 { 2_000_000 }

    package init(_ tokens: AccessTokens, local secret: String?, _ provider: OpenIDProvider<Clock>?, _ clock: Clock) {
        self.tokens = tokens
        self.clock = clock
        self.provider = provider
        local = secret.map(TokenSecret.digest)
    }

    /// Answers who has a token. Throws `APIError` of status 401 for one that is not good, and 503 while that cannot be known.
    package func principal(of token: String?) async throws -> Principal {
        guard let token, !token.isEmpty else {
            throw APIError(401, "no-token", "this needs a token: Authorization: Bearer TOKEN")
        }
        guard token.hasPrefix(TokenSecret.prefix) else {
            guard let provider else { throw APIError(401, "bad-token", "the token is none of this daemon's") }
            return try await provider.principal(of: token)
        }
        let digest = TokenSecret.digest(of: token)
        if digest == local { return Principal(name: "local", scopes: Scope.all, kind: "local token") }
        try await read()
        guard let found = known[digest] else {
            throw APIError(401, "bad-token", "the token is none of this daemon's, or was revoked")
        }
        if let end = found.expiresAt, end <= clock.now {
            throw APIError(401, "expired-token", "the token expired at \(end)")
        }
        used[digest] = clock.now
        return Principal(name: found.name, scopes: Set(found.scopes.map(Scope.init(rawValue:))), kind: "token")
    }

    private func read() async throws {
        guard readAt == .min || clock.uptime - readAt >= Self.fresh else { return }
        let asked = clock.uptime
        do {
            let all = try await tokens.all()
            // Another one may have asked later, and been answered before.
            guard asked > readAt else { return }
            known = Dictionary(all.map { ($0.digest, $0) }) { first, _ in first }
            readAt = asked
        } catch let error as StoreError {
            throw APIError(503, "unavailable", "the store cannot be asked who has this token: \(error.message)")
        }
    }

    /// Writes when tokens were last used; what cannot be written now is later.
    package func keepUse() async {
        let noted = used
        if noted.isEmpty { return }
        do {
            try await tokens.note(used: noted)
            for (digest, time) in noted where used[digest] == time { used[digest] = nil }
        } catch {
            return
        }
    }
}

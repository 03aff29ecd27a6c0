package import CarillonCore
package import CarillonEngine
import Timetable

/// Who makes a request, as their token says.
package struct Principal: Hashable, Sendable {
    package var name: String
    package var scopes: Set<Scope>
    /// What the token is, for people and the trail of orders.
    package var kind: String
    /// The name of the token, where it is that of a session.
    package var session: String?

    package init(name: String, scopes: Set<Scope>, kind: String, session: String? = nil) {
        self.name = name
        self.scopes = scopes
        self.kind = kind
        self.session = session
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
    /// Links that were taken.
    private var redeemed: Set<String> = []

    /// Requests a second of one who has a token; nil for any number. For a moment it may be twice as many.
    private let rate: Double?
    /// What each may still ask, and as of when.
    private var allowances: [String: (left: Double, at: Int64)] = [:]

    /// Microseconds for which tokens that were read count: as long as one that is revoked may still be used.
    private static var fresh: Int64 { 2_000_000 }

    package init(
        _ tokens: AccessTokens, local secret: String?, _ provider: OpenIDProvider<Clock>?, rate: Double? = nil,
        _ clock: Clock
    ) {
        self.rate = rate
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
        let found = try await entry(digest)
        guard found.use == nil else { throw APIError(401, "bad-token", "that is the token of a browser") }
        used[digest] = clock.now
        return Principal(name: found.name, scopes: Set(found.scopes.map(Scope.init(rawValue:))), kind: "token")
    }

    /// Finds one that is good as far as its time says. Throws `APIError`.
    private func entry(_ digest: String) async throws -> AccessToken {
        try await read()
        guard let found = known[digest] else {
            throw APIError(401, "bad-token", "the token is none of this daemon's, or was revoked")
        }
        if let end = found.expiresAt, end <= clock.now {
            throw APIError(401, "expired-token", "the token expired at \(end)")
        }
        return found
    }

    // MARK: Browsers

    /// Microseconds: how long a session lasts, and how long one that nobody uses.
    package static var longestSession: Int64 { 7 * 86_400_000_000 }
    private static var longestIdle: Int64 { 12 * 3_600_000_000 }

    /// Answers who has a session. Throws `APIError` of status 401 for one that is over, and 503 while that cannot be known.
    package func principal(ofSession secret: String) async throws -> Principal {
        let digest = TokenSecret.digest(of: secret)
        let found = try await entry(digest)
        let last = max(found.createdAt, found.usedAt ?? found.createdAt, used[digest] ?? found.createdAt)
        guard found.use == .session, clock.now.microseconds - last.microseconds < Self.longestIdle else {
            throw APIError(401, "expired-token", "nobody has used this session for long")
        }
        used[digest] = clock.now
        return Principal(
            name: found.holder ?? found.name, scopes: Set(found.scopes.map(Scope.init(rawValue:))), kind: "session",
            session: found.name)
    }

    /// Takes a link that lets somebody in, once. Throws `APIError` of status 401 for one that was taken or is none.
    package func redeem(link secret: String) async throws -> (principal: Principal, token: String) {
        let digest = TokenSecret.digest(of: secret)
        readAt = .min
        let found = try await entry(digest)
        // No other task of this actor comes between these two.
        guard found.use == .link, redeemed.insert(digest).inserted else {
            throw APIError(401, "bad-token", "this link was used already; `carillon open` makes another one")
        }
        let scopes = Set(found.scopes.map(Scope.init(rawValue:)))
        return (Principal(name: found.holder ?? found.name, scopes: scopes, kind: "link"), found.name)
    }

    /// Has the next question read the tokens anew: one was made just now.
    package func forget() { readAt = .min }

    /// Counts a request of theirs. Throws `APIError` of status 429 where there are too many of them.
    package func admit(_ principal: Principal) throws {
        guard let rate else { return }
        let now = clock.uptime
        let most = max(1, 2 * rate)
        let key = principal.kind + " " + principal.name
        let known = allowances[key] ?? (most, now)
        let left = min(most, known.left + Double(now - known.at) / 1_000_000 * rate)
        guard left >= 1 else {
            var error = APIError(429, "too-many", "more than \(rate) requests a second with this token")
            error.retryAfter = Int(max(1, (1 - left) / rate).rounded(.up))
            throw error
        }
        // Whoever has asked nothing for long need not be remembered.
        if allowances.count > 10_000 { allowances = [:] }
        allowances[key] = (left - 1, now)
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

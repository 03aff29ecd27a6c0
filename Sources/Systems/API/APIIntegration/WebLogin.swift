import APIClient
import CarillonCore
import CarillonDaemon
import CarillonEngine
import ControlAPI
import Dashboard
import Timetable

/// Has people log in at the provider whose tokens count for the API (OpenID Connect Core 1.0, with a code and PKCE). What the provider
/// gives stays here: a browser has the cookie of its session alone.
actor WebLogin: BrowserLogin {
    private let issuer: String
    private let client: OpenIDClient.Client
    private let isInsecure: Bool
    private let provider: OpenIDProvider<SystemClock>
    private let clock: SystemClock
    private let web = WebClient(authority: nil, patience: 5)
    private var known: OpenIDClient?
    /// Logins that were begun, by their word; and when, by the clock's uptime.
    private var begun: [String: (attempt: OpenIDClient.Attempt, at: Int64)] = [:]

    /// Microseconds that somebody has to log in, and logins that may be under way.
    private static var patience: Int64 { 600_000_000 }
    private static var most: Int { 1_000 }

    nonisolated var name: String {
        issuer.split(separator: "/").dropFirst().first.map(String.init) ?? issuer
    }

    init(
        issuer: String, _ client: OpenIDClient.Client, insecure: Bool, _ provider: OpenIDProvider<SystemClock>,
        _ clock: SystemClock
    ) {
        self.issuer = issuer
        self.client = client
        isInsecure = insecure
        self.provider = provider
        self.clock = clock
    }

    func begin(redirect: String) async throws -> (address: String, state: String) {
        let attempt: OpenIDClient.Attempt
        do {
            let provider = try await found()
            attempt = provider.attempt(provider.scopes(), redirect: redirect)
        } catch let failure as Failure {
            throw APIError(503, "unavailable", failure.message)
        }
        let now = clock.uptime
        begun = begun.filter { now - $0.value.at < Self.patience }
        guard begun.count < Self.most else {
            throw APIError(429, "too-many", "\(Self.most) logins are under way; try again soon")
        }
        begun[attempt.state] = (attempt, now)
        return (attempt.address, attempt.state)
    }

    func finish(state: String, code: String) async throws -> Principal {
        // Each is ended once, well or badly.
        guard let (attempt, at) = begun.removeValue(forKey: state), clock.uptime - at < Self.patience else {
            throw APIError.bad("this login was begun too long ago: try again")
        }
        do {
            let grant = try await found().grant(code: code, attempt)
            return try await provider.principal(of: grant.accessToken)
        } catch let failure as Failure {
            throw APIError(401, "refused", failure.message)
        }
    }

    private func found() async throws -> OpenIDClient {
        if let known { return known }
        let client = try await OpenIDClient(issuer: issuer, client, insecure: isInsecure, web)
        known = client
        return client
    }
}

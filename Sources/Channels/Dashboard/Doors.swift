import CarillonCore
import CarillonEngine
import ControlAPI
import Foundation
import Timetable

/// Where people come in and go: by a provider, by a link of `carillon open`, or by a token.
extension Dashboard {
    /// Seconds that somebody has to log in elsewhere.
    private static var patience: Int { 600 }
    private static var begun: String { "carillon-login" }

    var doors: [Endpoint] {
        [
            Endpoint(
                .get, "/login", nil, "Where people log in.",
                query: [.init("to", "Where to go then."), .init("key", "What the link of `carillon open` says.")],
                .init(200, type: Templates.type)
            ) { call in
                let frame = Frame(title: "Log in", call.headers)
                return templates.page(
                    "login", frame,
                    Fields([
                        "to": Self.local(call.query["to"]), "key": call.query["key"], "provider": provider?.name,
                    ]))
            },
            Endpoint(.post, "/login", nil, "Begins a session.", .init(303)) { call in
                try await refusingOnThePage(call) { try await logIn(call) }
            },
            Endpoint(
                .get, "/login/provider", nil, "Sends somebody to the provider.",
                query: [.init("to", "Where to go then.")],
                .init(303)
            ) { call in
                guard let provider else {
                    throw APIError.unknown("there is no provider; a link or a token lets you in")
                }
                let login = try await provider.begin(redirect: returning(call))
                let to = Form.encoded(Self.local(call.query["to"]) ?? "/")
                return .redirect(
                    to: login.address,
                    [
                        (
                            "Set-Cookie",
                            "\(Self.begun)=\(login.state)~\(to); Path=/; HttpOnly; SameSite=Lax; Max-Age=\(Self.patience)"
                        )
                    ])
            },
            Endpoint(
                .get, "/login/callback", nil, "Where the provider sends somebody back to.",
                query: [
                    .init("code", "What tokens are made of."), .init("state", "Of which login."),
                    .init("error", "Why not."), .init("error_description", "Why not, in words."),
                    .init("iss", "Who it is."), .init("session_state", "Theirs."),
                ], .init(303)
            ) { call in try await refusingOnThePage(call) { try await comeBack(call) } },
            Endpoint(.post, "/logout", .jobsRead, "Ends a session.", .init(303)) { call in
                if let name = call.session {
                    _ = await desk(.revokeToken(name), call.caller)
                    await gate.forget()
                }
                return .redirect(to: "/login", [("Set-Cookie", cookie.removing)])
            },
            Endpoint(.post, "/theme", nil, "Light or dark.", .init(303)) { call in
                let form = try Form(call.body)
                guard let theme = Theme(rawValue: form["theme"] ?? "") else {
                    throw APIError.bad("theme: expected system, light or dark", "theme")
                }
                return .redirect(to: Self.former(call) ?? "/", [("Set-Cookie", theme.setting)])
            },
        ]
    }

    /// A place of these pages; nil for any other, where nobody is to be sent.
    static func local(_ path: String?) -> String? {
        guard let path, path.hasPrefix("/"), !path.hasPrefix("//"), !path.hasPrefix("/\\"),
            path.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { return nil }
        return path
    }

    /// The page that a form was sent from, as its browser says it (RFC 9110, 10.1.3).
    private static func former(_ call: Call) -> String? {
        let parts = (call.headers["referer"] ?? "").split(
            separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count == 4 ? local("/" + parts[3]) : nil
    }

    /// Tells what was wrong where it can be done again.
    private func refusingOnThePage(_ call: Call, _ body: () async throws -> Answer) async throws -> Answer {
        do {
            return try await body()
        } catch let error as APIError where (400..<500).contains(error.status) {
            let frame = Frame(title: "Log in", call.headers)
            return templates.page(
                "login", frame, Fields(["message": error.message, "provider": provider?.name]), status: error.status)
        }
    }

    private func logIn(_ call: Call) async throws -> Answer {
        // A page of another site could let somebody in as somebody else.
        let site = call.headers["sec-fetch-site"]
        guard site == nil || site == "same-origin" || site == "none" else {
            throw APIError(403, "cross-site", "this was sent by no page of this daemon")
        }
        let form = try Form(call.body)
        let to = Self.local(form["to"]) ?? "/"
        if let key = form["key"] {
            let (principal, token) = try await gate.redeem(link: key)
            _ = await desk(.revokeToken(token), Caller(user: principal.name, channel: "page", from: call.caller.from))
            return try await begin(principal, call, to)
        }
        guard let token = form["token"]?.trimming({ $0 == " " }) else {
            throw APIError.bad("give a token, or the link that `carillon open` prints")
        }
        return try await begin(try await gate.principal(of: String(token)), call, to)
    }

    private func comeBack(_ call: Call) async throws -> Answer {
        guard let provider else { throw APIError.unknown("there is no provider") }
        let begun = SessionCookie.value(of: Self.begun, in: call.headers["cookie"])?.split(separator: "~")
        guard let begun, begun.count == 2, let state = call.query["state"], begun[0] == state else {
            throw APIError(400, "bad", "this login was begun by another browser, or too long ago: try again")
        }
        if let error = call.query["error"] {
            throw APIError(401, "refused", "the provider refuses: \(call.query["error_description"] ?? error)")
        }
        guard let code = call.query["code"], !code.isEmpty else { throw APIError.bad("the provider gave no code") }
        let principal = try await provider.finish(state: state, code: code)
        return try await begin(principal, call, Self.local(String(begun[1]).removingPercentEncoding) ?? "/")
    }

    /// Where a provider is to send somebody back to: the address by which they came.
    private func returning(_ call: Call) -> String {
        let host = call.headers["host"] ?? "localhost"
        return (publicURL ?? (isTLS ? "https://" : "http://") + host) + "/login/callback"
    }

    /// Begins the session of somebody who has proved who they are.
    private func begin(_ principal: Principal, _ call: Call, _ to: String) async throws -> Answer {
        guard !principal.scopes.isEmpty else {
            throw APIError(
                403, "missing-scopes", "\(principal.name) may do nothing here: the token has none of its scopes")
        }
        let secret = TokenSecret.draw()
        let now = clock.now
        let digest = TokenSecret.digest(of: secret)
        let length = Gate<Clock>.longestSession
        let session = AccessToken(
            name: "session \(digest.prefix(12))", digest: digest, scopes: Set(principal.scopes.map(\.rawValue)),
            createdAt: now, expiresAt: now.adding(microseconds: length), use: .session, holder: principal.name)
        let caller = Caller(user: principal.name, channel: "page", from: call.caller.from)
        if case .failed(let code, let message) = await desk(.addToken(session), caller) {
            throw APIError(code, message)
        }
        await gate.forget()
        return .redirect(to: to, [("Set-Cookie", cookie.setting(secret, seconds: length / 1_000_000))])
    }
}

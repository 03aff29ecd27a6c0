import CarillonConfiguration
package import CarillonCore
package import CarillonEngine
package import ControlAPI
import Timetable

/// The pages that people open: HTML made here, complete without a script, from the same orders that every channel gives.
package struct Dashboard<Clock: EngineClock>: Sendable {
    let desk: @Sendable (Order, Caller) async -> Reply
    let clock: Clock
    let zones: ZoneDatabase
    let format: JobFormat
    let gate: Gate<Clock>
    let cookie: SessionCookie
    /// Where people log in, if they do so elsewhere.
    let provider: (any BrowserLogin)?
    /// What people call it by; nil where nobody has said.
    let publicURL: String?
    /// Whether it speaks TLS itself.
    let isTLS: Bool
    let templates: Templates
    let glances: Glances<Clock>

    /// Throws an error of the template library where a page of this build is spoilt.
    package init(
        _ desk: @escaping @Sendable (Order, Caller) async -> Reply, _ clock: Clock, _ format: JobFormat,
        _ gate: Gate<Clock>, _ cookie: SessionCookie, _ provider: (any BrowserLogin)?, publicURL: String? = nil,
        isTLS: Bool = false
    ) throws {
        self.publicURL = publicURL
        self.isTLS = isTLS
        self.desk = desk
        self.clock = clock
        self.format = format
        zones = format.zones
        self.gate = gate
        self.cookie = cookie
        self.provider = provider
        templates = try Templates()
        glances = Glances(clock)
    }

    package var endpoints: [Endpoint] {
        assets + doors + nowPage + jobsPages + runsPages + whyPages + backfillPages + editorPages + operationPages
            + forecastPages + systemPages
    }

    /// Microseconds between two looks at what takes long to find out, at the least.
    private static var pause: Int64 { 60_000_000 }

    /// Finds out what takes long, of a million jobs a second, before somebody comes to see it; at most a hundredth of the time.
    package func keepAtHand() async {
        while !Task.isCancelled {
            let begun = clock.uptime
            let visit = Visit(
                self,
                Call(
                    path: [:], query: [:], headers: [:], body: [], caller: Caller(channel: "page"), scopes: []))
            _ = try? await visit.status()
            _ = try? await visit.instances()
            _ = try? await visit.ask(
                .forecast(ForecastQuery(until: visit.now.adding(microseconds: 1_000_000), parts: 0)))
            do { try await clock.sleep(for: max(Self.pause, 99 * (clock.uptime - begun))) } catch { return }
        }
    }

    /// What the server has to know of browsers.
    package var side: WebSide {
        WebSide(cookie: cookie) { error, uri, headers in refusal(error, uri, headers) }
    }

    /// Makes a page that may be looked at with a scope.
    func page(
        _ path: String, _ scope: Scope, _ words: String, query: [Endpoint.Parameter] = [],
        _ make: @escaping @Sendable (Visit<Clock>) async throws -> Answer
    ) -> Endpoint {
        Endpoint(.get, path, scope, words, query: query, .init(200, words, type: Templates.type)) { call in
            try await make(Visit(self, call))
        }
    }

    /// Makes what a button does; it answers a sentence and where to go on.
    func button(
        _ path: String, _ scope: Scope, _ words: String,
        _ act: @escaping @Sendable (Visit<Clock>, Form) async throws -> (said: String, next: String)
    ) -> Endpoint {
        Endpoint(.post, path, scope, words, .init(303, words)) { call in
            let (said, next) = try await act(Visit(self, call), try Form(call.body))
            return .redirect(to: next, [("Set-Cookie", Said.setting(said))])
        }
    }

    /// Makes the page that says why something was refused; whoever is not known is shown where to log in.
    private func refusal(_ error: APIError, _ uri: String, _ headers: [String: String]) -> Answer {
        if error.status == 401 {
            let next = uri.hasPrefix("/log") || uri == "/" ? "" : "?to=" + Form.encoded(uri)
            return .redirect(to: "/login" + next)
        }
        let frame = Frame(title: APIError.title(of: error.status), headers)
        let fields = Fields([
            "status": error.status, "message": error.message,
            "scopes": error.missing.isEmpty ? nil : error.missing.map(\.rawValue).joined(separator: ", "),
        ])
        return templates.page("refusal", frame, fields, status: error.status)
    }
}

/// A provider at which people log in with their browser.
package protocol BrowserLogin: Sendable {
    /// What people know it by.
    var name: String { get }
    /// Begins a login that comes back to `redirect`; answers where to send the browser, and the word by which it is known again.
    func begin(redirect: String) async throws -> (address: String, state: String)
    /// Ends a login by what the browser brought. Throws `APIError`.
    func finish(state: String, code: String) async throws -> Principal
}

extension Answer {
    /// Sends a browser on, by GET (RFC 9110, 15.4.4).
    static func redirect(to path: String, _ headers: [(name: String, value: String)] = []) -> Answer {
        var answer = Answer(303, [])
        answer.type = "text/plain; charset=utf-8"
        answer.headers = [("Location", path)] + headers
        return answer
    }
}

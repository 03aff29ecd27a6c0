import CarillonCore
import CarillonEngine
import ControlAPI
import Timetable

/// What stands around every page.
struct Frame {
    var title: String
    /// The path of the page's part in the menu.
    var place = ""
    var user: String?
    /// Whether somebody should look, in one line.
    var trouble: String?
    var said: String?
    /// What the page shows changes by itself.
    var isLive = false
    private let theme: Theme

    /// Makes that of whoever sends these headers.
    init(title: String, _ headers: [String: String]) {
        self.title = title
        said = Said.words(in: headers["cookie"])
        theme = Theme(in: headers["cookie"])
    }

    private static let parts = [
        ("/", "Now"), ("/jobs", "Jobs"), ("/runs", "Runs"), ("/forecast", "Forecast"), ("/system", "System"),
    ]

    var fields: Fields {
        Fields([
            "title": title, "user": user, "trouble": trouble, "said": said, "isLive": isLive,
            "theme": theme == .system ? nil : theme.rawValue,
            "themes": Theme.allCases.map { one in
                Fields(["name": one.rawValue, "word": one.word, "isChosen": one == theme])
            },
            "parts": Self.parts.map { path, words in Fields(["path": path, "words": words, "isHere": path == place]) },
            "style": File.path("carillon.css"), "script": File.path("carillon.js"), "icon": File.path("icon.svg"),
        ])
    }
}

/// Light or dark, as somebody chose for their browser.
enum Theme: String, CaseIterable {
    case system, light, dark

    private static let cookie = "carillon-theme"

    init(in header: String?) {
        self = SessionCookie.value(of: Self.cookie, in: header).flatMap { Theme(rawValue: String($0)) } ?? .system
    }

    var word: String {
        switch self {
        case .system: "as the system"
        case .light: "light"
        case .dark: "dark"
        }
    }

    /// A value for `Set-Cookie`: it says nothing that anybody could use.
    var setting: String { "\(Self.cookie)=\(rawValue); Path=/; SameSite=Lax; Max-Age=31536000" }
}

/// A request for a page, and all that is asked to make it.
struct Visit<Clock: EngineClock>: Sendable {
    let dashboard: Dashboard<Clock>
    let call: Call
    let moments: Moments

    init(_ dashboard: Dashboard<Clock>, _ call: Call) {
        self.dashboard = dashboard
        self.call = call
        moments = Moments(
            now: dashboard.clock.now, zones: dashboard.zones, yours: Moments.cookie(in: call.headers["cookie"]))
    }

    var now: Timestamp { moments.now }

    func may(_ scope: Scope) -> Bool { call.scopes.contains(scope) }

    /// Gives an order in the name of whoever asks. Throws `APIError` for one that is refused.
    func ask(_ order: Order) async throws -> Reply {
        let reply = await dashboard.desk(order, Caller(user: call.caller.user, channel: "page", from: call.caller.from))
        if !order.isQuestion { await dashboard.glances.forget() }
        if case .failed(let code, let message) = reply { throw APIError(code, message) }
        return reply
    }

    /// Gives an order that is answered by a sentence.
    func said(_ order: Order) async throws -> String {
        switch try await ask(order) {
        case .done(let words): words
        case .started(let run, let note): "run \(run.shortID) was opened" + (note.map { ": \($0)" } ?? "")
        default: throw Unexpected()
        }
    }

    /// How the daemon is, as of the last second or so: it counts every job.
    func status() async throws -> StatusView {
        try await dashboard.glances.value("the status", fresh: 500_000) {
            guard case .status(let status) = try await ask(.status) else { throw Unexpected() }
            return status
        }
    }

    /// Who works with the store, and how many jobs nobody plans: it counts every job, too.
    func instances() async throws -> (views: [InstanceView], orphans: Int) {
        try await dashboard.glances.value("the instances", fresh: 3_000_000) {
            guard case .instances(let views, let orphans) = try await ask(.instances) else { throw Unexpected() }
            return (views, orphans)
        }
    }

    func job(_ name: String) async throws -> JobView {
        guard case .jobs(let views, _) = try await ask(.job(name)), let job = views.first else { throw Unexpected() }
        return job
    }

    func runs(_ query: RunQuery) async throws -> [RunView] {
        guard case .runs(let views) = try await ask(.runs(query)) else { throw Unexpected() }
        return views
    }

    func agenda(_ query: AgendaQuery) async throws -> (lines: [AgendaView], isCut: Bool) {
        guard case .agenda(let lines, let isCut) = try await ask(.agenda(query)) else { throw Unexpected() }
        return (lines, isCut)
    }

    /// Makes the page of a template.
    func page(
        _ template: String, title: String, at place: String, isLive: Bool = false, trouble: String? = nil,
        _ fields: Fields
    ) -> Answer {
        var frame = Frame(title: title, call.headers)
        frame.place = place
        frame.user = call.caller.user
        frame.isLive = isLive
        frame.trouble = trouble
        return dashboard.templates.page(template, frame, fields)
    }
}

/// An order was answered as no order of its kind is.
struct Unexpected: Error {}

import CarillonCore
import CarillonEngine

/// A page of a list, and where the next one begins; nil at the end.
struct Page<Item: Codable & Sendable>: Codable, Sendable {
    var items: [Item]
    var next: String?
}

/// Jobs, and how many there are where a page is full.
struct JobsView: Codable, Sendable {
    var items: [JobView]
    var next: String?
    var total: Int?
}

/// A sentence that says what was done.
struct DoneView: Codable, Sendable {
    var message: String
}

/// A run that was opened; the note says what stands in its way, or is unusual about it.
struct StartedView: Codable, Sendable {
    var run: RunView
    var note: String?
}

/// Who works with the store, and how many jobs nobody plans.
struct InstancesView: Codable, Sendable {
    var items: [InstanceView]
    var orphans: Int
    var next: String?
}

/// The first times to come, and whether there are more.
struct TimesView: Codable, Sendable {
    var items: [AgendaView]
    var isCut: Bool
    var next: String?
}

/// Whether something is well: `OK`.
struct HealthView: Codable, Sendable {
    var status: String
}

extension APIError {
    /// What the body of each is.
    static let schema = Schema.object(
        "Problem",
        [
            .init("type", .text(format: "uri-reference")), .init("title", .text()), .init("status", .whole()),
            .init("detail", .text()), .init("error", .text()), .init("code", .text()),
            .init(
                "fields",
                .list(.object("ProblemField", [.init("path", .text()), .init("message", .text())])), isRequired: false),
            .init("missing_scopes", .list(.text()), isRequired: false),
        ])
}

extension Endpoint.Success {
    static let done = json(DoneView.self)
    static let started = Self(
        201, "Opened.", .of(StartedView.self),
        headers: [.init("Location", "Where the run is.", .text(format: "uri-reference"))])

    /// Asked for before, under the same key.
    static let repeated = Self(200, "It was opened before.", .of(StartedView.self))

    static func definition(_ status: Int) -> Self {
        Self(status, "The definition.", .map(.anything), headers: [.init("ETag", "Its revision.")])
    }
}

extension Endpoint.Body {
    static let definition = Self(
        .map(.anything), example: #"{"name":"report","cron":"0 9 * * 1-5","time_zone":"Europe/Berlin","bus":{}}"#)
}

import CarillonCore
import Timetable

/// Why dispatching is held back, and until when. One note of the store has that of everything, another those of tags.
struct Pause: Hashable, Sendable, Codable {
    static let note = "pause"
    /// A JSON object of pauses by tags.
    static let tagsNote = "paused tags"
    /// Stands between the reason and the time, which no reason holds.
    private static let mark: Character = "\u{1f}"

    var reason: String
    /// Nil for one that somebody must end.
    var until: Timestamp?
    /// When it began; only pauses of tags know.
    var since: Timestamp?

    init(reason: String, until: Timestamp? = nil, since: Timestamp? = nil) {
        self.reason = String(reason.filter { $0 != Self.mark })
        self.until = until
        self.since = since
    }

    /// Reads a note.
    init(_ text: String) {
        let parts = text.split(separator: Self.mark, maxSplits: 1, omittingEmptySubsequences: false)
        reason = parts.first.map(String.init) ?? ""
        until = parts.count > 1 ? Int64(parts[1]).map(Timestamp.init(microseconds:)) : nil
    }

    /// Reads the pauses of tags; none where a later release wrote them.
    static func ofTags(_ text: String?) -> [String: Pause] {
        text.flatMap { try? JSONText.decode([String: Pause].self, $0) } ?? [:]
    }

    var text: String { reason + (until.map { "\(Self.mark)\($0.microseconds)" } ?? "") }
}

/// All that is held back.
struct Pauses: Sendable {
    var all: Pause?
    var tags: [String: Pause]

    /// The pause that holds a job back, of several the one that lasts longest.
    func pause(of job: Job) -> Pause? {
        longest(of: job)?.pause
    }

    /// Says what holds a job back; nil when nothing does.
    func words(of job: Job) -> String? {
        longest(of: job).map { tag, pause in
            (tag.map { "tag \($0)" } ?? "dispatching") + " is paused: \(pause.reason)"
        }
    }

    private func longest(of job: Job) -> (tag: String?, pause: Pause)? {
        var found: [(tag: String?, pause: Pause)] = all.map { [(nil, $0)] } ?? []
        for tag in job.tags {
            if let pause = tags[tag] { found.append((tag, pause)) }
        }
        return found.max { ($0.pause.until ?? .distantFuture) < ($1.pause.until ?? .distantFuture) }
    }
}

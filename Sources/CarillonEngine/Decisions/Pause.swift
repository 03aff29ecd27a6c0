import CarillonCore
import Timetable

/// Why all dispatching is held back, and until when; one note of the store.
struct Pause: Hashable, Sendable {
    static let note = "pause"
    /// Stands between the reason and the time, which no reason holds.
    private static let mark: Character = "\u{1f}"

    var reason: String
    /// Nil for one that somebody must end.
    var until: Timestamp?

    init(reason: String, until: Timestamp? = nil) {
        self.reason = String(reason.filter { $0 != Self.mark })
        self.until = until
    }

    /// Reads a note.
    init(_ text: String) {
        let parts = text.split(separator: Self.mark, maxSplits: 1, omittingEmptySubsequences: false)
        reason = parts.first.map(String.init) ?? ""
        until = parts.count > 1 ? Int64(parts[1]).map(Timestamp.init(microseconds:)) : nil
    }

    var text: String { reason + (until.map { "\(Self.mark)\($0.microseconds)" } ?? "") }
}

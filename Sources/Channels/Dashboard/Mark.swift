import CarillonCore
import CarillonEngine

/// How a state looks: a shape, a word and a colour, since a colour alone says nothing to many.
extension RunState {
    var mark: String { Markup.mark(look, shape, rawValue) }

    /// A class of the style sheet.
    var look: String {
        switch self {
        case .pending: "waiting"
        case .running, .cancelling: "running"
        case .completed: "good"
        case .failed: "bad"
        case .cancelled: "ended"
        case .skipped: "skipped"
        }
    }

    var shape: String {
        switch self {
        case .pending: "◔"
        case .running: "▶"
        case .cancelling: "◧"
        case .completed: "✓"
        case .failed: "✕"
        case .cancelled: "■"
        case .skipped: "◌"
        }
    }
}

extension JobView {
    var mark: String {
        if !problems.isEmpty { return Markup.mark("bad", "▲", "faulty") }
        if paused != nil, state == .enabled { return Markup.mark("waiting", "‖", "held back") }
        return switch state {
        case .enabled: Markup.mark("on", "●", "on")
        case .disabled: Markup.mark("off", "○", "off")
        case .halted: Markup.mark("bad", "▲", "halted")
        case .deleted: Markup.mark("off", "○", "deleted")
        }
    }
}

extension RecentView {
    /// The markup of its last times, the oldest first, as people read: a page has hundreds of these.
    var cells: String {
        let times = self.times.reversed()
        let words = times.map(\.state.rawValue).joined(separator: ", ")
        let label = times.isEmpty ? "no times yet" : "the last \(times.count): \(words)"
        let marks = times.map { "<i class=\"\($0.state.look)\">\($0.state.shape)</i>" }.joined()
        return "<span class=\"cells\" role=\"img\" aria-label=\"\(label)\">\(marks)</span>"
    }
}

/// A name as it stands in an address.
func path(_ parts: String...) -> String { "/" + parts.map { Form.encoded($0) }.joined(separator: "/") }

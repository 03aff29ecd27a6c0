/// Which jobs a person wants to see.
public struct JobQuery: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case enabled, disabled
        /// Disabled by a failure that nobody has resolved.
        case halted
        /// Of its runs that completed or failed, the last one failed.
        case failed
        /// A run of it is active.
        case active
    }

    public enum Order: String, Hashable, Sendable, Codable, CaseIterable {
        case name
        /// By the next time; jobs without one come last.
        case next
    }

    /// Names, or patterns of names as `Glob` reads them; any of them. Empty for all.
    public var names: [String]
    /// All of them.
    public var tags: [String]
    /// Any of them. Empty for all.
    public var states: Set<State>
    /// Whose times are of this zone: an IANA name, as it was given.
    public var zone: String?
    /// Whose target is of this kind.
    public var target: Target.Kind?
    /// Whose definitions come from this feed.
    public var feed: String?
    public var order: Order
    /// Jobs after the one of this name, in the order of names.
    public var after: String?
    public var limit: Int

    public init(
        names: [String] = [], tags: [String] = [], states: Set<State> = [], zone: String? = nil,
        target: Target.Kind? = nil, feed: String? = nil, order: Order = .name, after: String? = nil, limit: Int = 50
    ) {
        self.zone = zone
        self.target = target
        self.feed = feed
        self.names = names
        self.tags = tags
        self.states = states
        self.order = order
        self.after = after
        self.limit = limit
    }
}

extension JobQuery {
    /// Whether a job is among them, as far as its definition says; `isFailing` says how its last run
    /// ended.
    public func matches(_ job: Job, isFailing: Bool, isActive: Bool) -> Bool {
        guard names.isEmpty || names.contains(where: { Glob($0).matches(job.name) }) else { return false }
        guard tags.allSatisfy(job.tags.contains) else { return false }
        guard zone.map({ $0 == job.schedule.zone }) ?? true, target.map({ $0 == job.target.kind }) ?? true,
            feed.map({ $0 == job.origin.feed }) ?? true
        else { return false }
        return states.isEmpty
            || states.contains { state in
                switch state {
                case .enabled: job.isOn
                case .disabled: !job.isOn && !job.isHalted
                case .halted: job.isHalted
                case .failed: isFailing
                case .active: isActive
                }
            }
    }
}

extension Job {
    var isHalted: Bool { if case .halted? = standing?.off { true } else { false } }
}

/// A pattern of names, as a shell and SQLite's GLOB read it: `*` for any characters, `?` for one, `[a-z]` and `[^a-z]` for
/// one of some. A name without any of these is itself alone.
public struct Glob: Hashable, Sendable {
    private let pattern: [Unicode.Scalar]

    public init(_ pattern: String) { self.pattern = Array(pattern.unicodeScalars) }

    /// What stands in every name that it matches, in this order: the texts between its stars, marks and sets.
    public var literals: [String] {
        var literals: [String] = []
        var place = 0
        while place < pattern.count {
            let literal = pattern[place...].prefix { !"*?[".unicodeScalars.contains($0) }
            if !literal.isEmpty { literals.append(String(String.UnicodeScalarView(literal))) }
            place = literal.endIndex
            guard place < pattern.count else { break }
            guard let next = pattern[place] == "[" ? end(ofSetAt: place) : place + 1 else { break }
            place = next
        }
        return literals
    }

    /// The text that a name need only contain to match: what people look for. Nil for a pattern that asks for more.
    public var contained: String? {
        let inner = pattern.dropFirst().dropLast()
        guard !inner.isEmpty, pattern.first == "*", pattern.last == "*" else { return nil }
        let part = String(String.UnicodeScalarView(inner))
        return Self.isPattern(part) ? nil : part
    }

    /// Whether a text is more than a name.
    public static func isPattern(_ text: String) -> Bool { text.contains { "*?[".contains($0) } }

    public func matches(_ text: String) -> Bool {
        let text = Array(text.unicodeScalars)
        var (place, position) = (0, 0)
        // Where the last star was, and how far it has reached: it is the only one that may have to give way.
        var star: (place: Int, reach: Int)?
        while position < text.count {
            if place < pattern.count, pattern[place] == "*" {
                star = (place, position)
                place += 1
            } else if let next = one(text[position], at: place) {
                place = next
                position += 1
            } else if let last = star {
                star?.reach += 1
                (place, position) = (last.place + 1, last.reach + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }

    /// The place after what matches one character; nil when that is none.
    private func one(_ scalar: Unicode.Scalar, at place: Int) -> Int? {
        guard place < pattern.count else { return nil }
        switch pattern[place] {
        case "?": return place + 1
        case "[": return set(scalar, at: place)
        default: return pattern[place] == scalar ? place + 1 : nil
        }
    }

    /// The place after a set; nil for one without an end, which matches nothing.
    private func end(ofSetAt start: Int) -> Int? {
        let first = start + (start + 1 < pattern.count && pattern[start + 1] == "^" ? 2 : 1)
        // A bracket that comes first is one of the set.
        guard first < pattern.count, let last = pattern[(first + 1)...].firstIndex(of: "]") else { return nil }
        return last + 1
    }

    private func set(_ scalar: Unicode.Scalar, at start: Int) -> Int? {
        var place = start + 1
        let isInverted = place < pattern.count && pattern[place] == "^"
        if isInverted { place += 1 }
        var isFound = false
        var isFirst = true
        while place < pattern.count, isFirst || pattern[place] != "]" {
            isFirst = false
            if place + 2 < pattern.count, pattern[place + 1] == "-", pattern[place + 2] != "]" {
                if pattern[place] <= scalar, scalar <= pattern[place + 2] { isFound = true }
                place += 3
            } else {
                if pattern[place] == scalar { isFound = true }
                place += 1
            }
        }
        guard place < pattern.count else { return nil }
        return isFound != isInverted ? place + 1 : nil
    }
}

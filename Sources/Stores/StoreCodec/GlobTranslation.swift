/// Makes regular expressions of what `Glob` reads, in the language of a server.
package struct GlobTranslation: Sendable {
    /// What matches the very end of a text.
    private let end: String
    /// What matches nowhere.
    private let nothing: String
    /// How a character stands for itself, whatever it means otherwise.
    private let plain: @Sendable (Unicode.Scalar) -> String

    package init(end: String, nothing: String, plain: @escaping @Sendable (Unicode.Scalar) -> String) {
        self.end = end
        self.nothing = nothing
        self.plain = plain
    }

    /// Translates; nil for a pattern that nothing matches.
    package func expression(of glob: String) -> String? {
        let pattern = Array(glob.unicodeScalars)
        var expression = "^"
        var place = 0
        while place < pattern.count {
            switch pattern[place] {
            case "*": expression += ".*"
            case "?": expression += "."
            case "[":
                guard let (set, end) = set(pattern, at: place) else { return nil }
                expression += set
                place = end
            default: expression += plain(pattern[place])
            }
            place += 1
        }
        return expression + end
    }

    /// Makes a set, and answers where it ends; nil for one that does not.
    private func set(_ pattern: [Unicode.Scalar], at start: Int) -> (set: String, end: Int)? {
        var place = start + 1
        let isInverted = place < pattern.count && pattern[place] == "^"
        if isInverted { place += 1 }
        var ranges = ""
        var isFirst = true
        while place < pattern.count, isFirst || pattern[place] != "]" {
            isFirst = false
            if place + 2 < pattern.count, pattern[place + 1] == "-", pattern[place + 2] != "]" {
                let (low, high) = (pattern[place], pattern[place + 2])
                if low <= high { ranges += plain(low) + "-" + plain(high) }
                place += 3
            } else {
                ranges += plain(pattern[place])
                place += 1
            }
        }
        guard place < pattern.count else { return nil }
        // Of nothing but ranges that end before they begin.
        if ranges.isEmpty { return (isInverted ? "." : nothing, place) }
        return ((isInverted ? "[^" : "[") + ranges + "]", place)
    }
}

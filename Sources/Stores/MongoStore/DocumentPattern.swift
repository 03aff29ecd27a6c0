#if MongoDB
    /// Regular expressions of the server (PCRE) in which whatever is no letter and no digit stands as its number, so that none
    /// means anything else.
    enum DocumentPattern {
        /// Makes one of what `Glob` reads; nil for a pattern that nothing matches.
        static func glob(_ glob: String) -> String? {
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
            // The very end: `$` would also match before a line break. That `.` is any character, the filter says.
            return expression + "(?!.)"
        }

        /// Makes a set, and answers where it ends; nil for one that does not.
        private static func set(_ pattern: [Unicode.Scalar], at start: Int) -> (set: String, end: Int)? {
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
            if ranges.isEmpty { return (isInverted ? "." : "(?!)", place) }
            return ((isInverted ? "[^" : "[") + ranges + "]", place)
        }

        private static func plain(_ scalar: Unicode.Scalar) -> String {
            let isWord = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            // Beyond ASCII every character means itself, in UTF-8.
            if isWord || !scalar.isASCII { return String(scalar) }
            let digits = String(scalar.value, radix: 16)
            return #"\x"# + (digits.count < 2 ? "0" : "") + digits
        }
    }
#endif

/// Text as a basic string of TOML (toml.io, v1.0.0).
package enum TOMLText {
    package static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Makes text for a comment, which takes no control character but a tab: each is a blank there.
    package static func comment(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { ($0.value < 0x20 && $0 != "\t") || $0.value == 0x7f ? " " : $0 }))
    }

    package static func list(_ texts: [String]) -> String { "[\(texts.map(quote).joined(separator: ", "))]" }
}

/// Markup that pages have by the hundred: filled into a template as it stands, which takes a fraction of the time that a template in it takes.
enum Markup {
    /// A state: a shape, a word and a class of the style sheet.
    static func mark(_ look: String, _ shape: String, _ word: String) -> String {
        "<span class=\"mark \(look)\"><span aria-hidden=\"true\">\(shape)</span> \(word)</span>"
    }

    /// A time, in the reader's zone too where that is another one, and how far away it is.
    static func time(
        _ iso: String, short: String, full: String, yours: String?, relative: String
    ) -> String {
        let yours = yours.map { " <span class=\"yours\">(\(escape($0)) yours)</span>" } ?? ""
        return "<time datetime=\"\(iso)\" title=\"\(escape(full))\">\(escape(short))</time>\(yours)"
            + " <span class=\"rel\" data-time=\"\(iso)\">\(escape(relative))</span>"
    }

    /// Lets a text stand as it is, between tags and in a value that is quoted.
    static func escape(_ text: String) -> String {
        guard text.utf8.contains(where: { "&<>\"".utf8.contains($0) }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

import CarillonCore

/// Reads a `.env` file as godotenv does: `KEY=value` or `KEY: value`, `export` before it, comments, values in quotes.
///
/// In double quotes `\n` is a line's end, and a backslash takes its meaning from any other sign; in single quotes all
/// stands for itself. A value in quotes may go over several lines. `$NAME` and `${NAME}`, in capitals and not in single
/// quotes, are what a line above or the environment says; `\$` is a dollar. Of two lines with one key the later counts.
struct DotEnv {
    struct Entry {
        var key: String
        var value: String
        /// Where it begins.
        var line: Int
        /// Why the value is not what was meant.
        var fault: String?
    }

    private(set) var entries: [Entry] = []
    /// Lines that are none of this. What stands on them may be a secret, and is not repeated.
    private(set) var problems: [ConfigProblem] = []

    private typealias Scalars = Substring.UnicodeScalarView

    /// Reads a text without a byte order mark; `environment` is what references may name.
    init(_ text: String, source: String, environment: [String: String]) {
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
        var known: [String: Entry] = [:]
        var next = 0
        while next < lines.count {
            var rest = Self.withoutSpaces(lines[next].unicodeScalars)
            next += 1
            let line = next
            if Self.isEmpty(rest) { continue }
            guard let key = Self.key(&rest) else {
                problems.append(ConfigProblem(source: source, line: line, message: "expected KEY=value"))
                continue
            }
            var entry = Entry(key: key, value: "", line: line)
            if let quote = rest.first, quote == "\"" || quote == "'" {
                guard let quoted = Self.quoted(by: quote, &rest, lines, &next) else {
                    problems.append(
                        ConfigProblem(source: source, line: line, key: key, message: "nothing closes the quote"))
                    continue
                }
                guard Self.isEmpty(Self.withoutSpaces(rest)) else {
                    problems.append(
                        ConfigProblem(
                            source: source, line: next, key: key,
                            message: "expected nothing but a comment after the closing quote"))
                    continue
                }
                entry.value = quoted
                if quote == "\"" { Self.resolve(&entry, hasEscapes: true, known, environment) }
            } else {
                entry.value = Self.unquoted(rest)
                Self.resolve(&entry, hasEscapes: false, known, environment)
            }
            known[key] = entry
            entries.append(entry)
        }
    }

    // MARK: Parts of a line

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        [" ", "\t", "\u{b}", "\u{c}", "\u{a0}"].contains(scalar)
    }

    private static func withoutSpaces(_ text: Scalars) -> Scalars { text.drop(while: isSpace) }

    /// Whether there is nothing, or only a comment.
    private static func isEmpty(_ text: Scalars) -> Bool { text.first == nil || text.first == "#" }

    private static func isCapital(_ scalar: Unicode.Scalar) -> Bool {
        ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "_"
    }

    private static func isOfKey(_ scalar: Unicode.Scalar) -> Bool {
        isCapital(scalar) || ("a"..."z").contains(scalar) || scalar == "."
    }

    /// Takes the key and its sign, and the spaces after them; nil when there is none.
    private static func key(_ rest: inout Scalars) -> String? {
        var ahead = rest
        let exported = ahead.dropFirst(6)
        if String(ahead.prefix(6)) == "export", let space = exported.first, isSpace(space) {
            ahead = withoutSpaces(exported)
        }
        let name = ahead.prefix(while: isOfKey)
        ahead = withoutSpaces(ahead.dropFirst(name.count))
        guard !name.isEmpty, let sign = ahead.popFirst(), sign == "=" || sign == ":" else { return nil }
        rest = withoutSpaces(ahead)
        return String(name)
    }

    /// Answers what stands before a comment. One that begins the value is none, as in godotenv.
    private static func unquoted(_ rest: Scalars) -> String {
        let comment = rest.indices.dropFirst().first { rest[$0] == "#" && isSpace(rest[rest.index(before: $0)]) }
        var text = rest[..<(comment ?? rest.endIndex)]
        while let last = text.last, isSpace(last) { text = text.dropLast() }
        return String(text)
    }

    /// Takes what stands in quotes, on this line and those after it; nil, and nothing taken, when no quote closes it.
    private static func quoted(
        by quote: Unicode.Scalar, _ rest: inout Scalars, _ lines: [Substring], _ next: inout Int
    ) -> String? {
        var text = String.UnicodeScalarView()
        var line = rest.dropFirst()
        var following = next
        while true {
            var isEscaped = false
            while let scalar = line.popFirst() {
                if scalar == quote, !isEscaped {
                    rest = line
                    next = following
                    return String(text)
                }
                isEscaped = scalar == "\\" && quote == "\"" && !isEscaped
                text.append(scalar)
            }
            guard following < lines.count else { return nil }
            text.append("\n")
            line = lines[following].unicodeScalars
            following += 1
        }
    }

    // MARK: Escapes and references

    /// Bytes that references may add to a value: each could double the one before.
    private static let mostReferred = 1 << 16

    private static func resolve(
        _ entry: inout Entry, hasEscapes: Bool, _ known: [String: Entry], _ environment: [String: String]
    ) {
        var value = String.UnicodeScalarView()
        var referred = 0
        var rest = entry.value[...].unicodeScalars
        while let scalar = rest.popFirst() {
            if scalar == "\\", hasEscapes || rest.first == "$", let escaped = rest.popFirst() {
                value.append(escaped == "n" ? "\n" : escaped == "r" ? "\r" : escaped)
            } else if scalar == "$", let name = reference(&rest) {
                guard let text = known[name]?.value ?? environment[name], known[name]?.fault == nil else {
                    entry.fault =
                        "refers with $ to what neither a line above nor the environment says; "
                        + "a dollar is \\$, or stands in single quotes"
                    continue
                }
                referred += text.utf8.count
                guard referred <= mostReferred else {
                    entry.fault = "refers with $ to more than \(mostReferred >> 10) KiB"
                    break
                }
                value.append(contentsOf: text.unicodeScalars)
            } else {
                value.append(scalar)
            }
        }
        entry.value = String(value)
    }

    /// Takes the name after a dollar, with braces or without; nil when there is none.
    private static func reference(_ rest: inout Scalars) -> String? {
        var ahead = rest
        let isBraced = ahead.first == "{"
        if isBraced { ahead = ahead.dropFirst() }
        let name = ahead.prefix(while: isCapital)
        ahead = ahead.dropFirst(name.count)
        if name.isEmpty || isBraced && ahead.popFirst() != "}" { return nil }
        rest = ahead
        return String(name)
    }
}

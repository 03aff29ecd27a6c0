import CarillonCore

/// A line for standard output: what a program's author wrote stays as it is, and whatever comes from outside (a name, an
/// error, a program's words) is made fit for a terminal as it is put in.
struct Line: ExpressibleByStringInterpolation {
    private(set) var text: String

    init(stringLiteral text: String) { self.text = text }

    init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    /// Text that is made fit already.
    fileprivate init(fit text: String) { self.text = text }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: String) { text += literal }

        mutating func appendInterpolation(_ line: Line) { text += line.text }

        mutating func appendInterpolation(_ value: some Any) { text += "\(value)".oneLine }
    }

    static func + (first: Line, second: Line) -> Line { Line(fit: first.text + second.text) }
}

extension Terminal {
    /// Colours only on a terminal, and not where NO_COLOR asks for none (no-color.org).
    static func paint(_ text: String, _ colour: Colour) -> Line {
        let text = text.oneLine
        return Line(fit: hasColours ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text)
    }
}

extension JSONObject {
    /// The object as a line; whatever a terminal should not get is written as JSON writes it.
    var line: Line { Line(fit: text) }
}

/// Prints a line on standard output: the one way there, but for texts in a form of their own.
func say(_ line: Line) { print(line.text) }

import CarillonCore

/// A line for standard output: what a program's author wrote stays as it is, and whatever comes from outside (a name, an
/// error, a program's words) is made fit for a terminal as it is put in.
package struct Line: ExpressibleByStringInterpolation {
    private(set) var text: String

    /// What a terminal would show of it.
    package var plain: String { text }

    package init(stringLiteral text: String) { self.text = text }

    package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    /// Text that is made fit already.
    fileprivate init(fit text: String) { self.text = text }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) {}

        package mutating func appendLiteral(_ literal: String) { text += literal }

        package mutating func appendInterpolation(_ line: Line) { text += line.text }

        package mutating func appendInterpolation(_ value: some Any) { text += "\(value)".oneLine }
    }

    package static func + (first: Line, second: Line) -> Line { Line(fit: first.text + second.text) }
}

extension Terminal {
    /// Colours only on a terminal, and not where NO_COLOR asks for none (no-color.org).
    package static func paint(_ text: String, _ colour: Colour) -> Line {
        let text = text.oneLine
        return Line(fit: hasColours ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text)
    }
}

/// Prints a line on standard output: the one way there, but for texts in a form of their own.
package func say(_ line: Line) { print(line.text) }

/// Prints a sentence on standard output, on a terminal that is too narrow for it in several lines.
package func say(sentence: Line) {
    say(Terminal.limit == nil ? sentence : Line(fit: Terminal.wrapped(sentence.text)))
}

/// Prints a value as one line of JSON on standard output.
package func say(json value: some Encodable) throws { say(Line(fit: try PublicJSON.encode(value))) }

/// A drawing in SVG: its looks are classes of the style sheet, for nothing in a page may carry a style of its own.
struct Drawing {
    private let head: String
    private var parts: [String] = []

    /// `words` say what is to be seen.
    init(width: Int, height: Int, words: String) {
        head =
            "<svg class=\"chart\" viewBox=\"0 0 \(width) \(height)\" role=\"img\" aria-label=\"\(Markup.escape(words))\">"
    }

    mutating func bar(x: Int, y: Double, width: Int, height: Double, _ look: String, _ words: String) {
        parts.append(
            "<rect class=\"\(look)\" x=\"\(x)\" y=\"\(Self.number(y))\" width=\"\(width)\" height=\"\(Self.number(height))\">"
                + "<title>\(Markup.escape(words))</title></rect>")
    }

    mutating func line(x: Int, from top: Int = 0, height: Int, _ look: String) {
        parts.append("<line class=\"\(look)\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(top)\" y2=\"\(height)\"/>")
    }

    mutating func text(x: Int, y: Int, _ words: String, anchor: String = "start") {
        parts.append("<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\">\(Markup.escape(words))</text>")
    }

    var svg: String { head + parts.joined() + "</svg>" }

    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}

/// A form that figures are written in.
package enum MetricsFormat: Hashable, Sendable {
    /// The text format, version 0.0.4.
    case text
    /// OpenMetrics 1.0.
    case openMetrics

    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// Chooses by the value of an Accept header (RFC 9110, 12.5.1): OpenMetrics for whoever names a version of it that is
    /// written here and likes nothing better, text for everybody else.
    package init(accepting header: String?) {
        var (text, openMetrics) = (0.0, 0.0)
        for range in (header ?? "").split(separator: ",") {
            let parts = range.split(separator: ";").map { Self.trimmed($0).lowercased() }
            var (quality, version) = (1.0, "1.0.0")
            for parameter in parts.dropFirst() {
                let pair = parameter.split(separator: "=", maxSplits: 1).map(Self.trimmed)
                guard pair.count == 2 else { continue }
                if pair[0] == "q" { quality = Double(pair[1]) ?? 0 }
                if pair[0] == "version" { version = pair[1].filter { $0 != "\"" } }
            }
            switch parts.first {
            case "application/openmetrics-text" where ["1.0.0", "0.0.1"].contains(version):
                openMetrics = max(openMetrics, quality)
            case "text/plain", "text/*", "*/*": text = max(text, quality)
            default: break
            }
        }
        self = openMetrics > 0 && openMetrics >= text ? .openMetrics : .text
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        return String(String(text.drop(while: isSpace).reversed()).drop(while: isSpace).reversed())
    }
}

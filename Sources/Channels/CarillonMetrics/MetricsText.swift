/// Writes figures for Prometheus, line by line.
struct MetricsText {
    private let format: MetricsFormat
    private(set) var text = ""

    init(_ format: MetricsFormat) { self.format = format }

    /// Says what follows: the samples of a family.
    mutating func begin(_ family: MetricFamily) {
        let name = format == .openMetrics ? family.base : family.name
        text += "# HELP \(name) \(Self.escaped(family.help, quotes: format == .openMetrics))\n"
        let kind = format == .text && family.kind == .info ? MetricFamily.Kind.gauge : family.kind
        text += "# TYPE \(name) \(kind.rawValue)\n"
        if format == .openMetrics, let unit = family.unit { text += "# UNIT \(name) \(unit)\n" }
    }

    mutating func add(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (place, label) in labels.enumerated() {
                if place > 0 { text += "," }
                text += "\(label.name)=\"\(Self.escaped(label.value, quotes: true))\""
            }
            text += "}"
        }
        text += " \(value)\n"
    }

    mutating func end() { if format == .openMetrics { text += "# EOF\n" } }

    static func number(_ value: Double) -> String {
        if value == .infinity { return "+Inf" }
        if value == -.infinity { return "-Inf" }
        // What is whole is written so; what a Double cannot hold exactly, as it is.
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        guard text.utf8.contains(where: { [0x5C, 0x0A, 0x22].contains($0) }) else { return text }
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}

extension MetricsRegistry {
    /// Writes all that has a value, and what the kernel says of this process. Asks nobody else.
    package func text(_ format: MetricsFormat) -> String {
        var text = MetricsText(format)
        for family in families {
            let samples = samples(of: family).filter { !$0.cell.isEmpty }
            if samples.isEmpty { continue }
            text.begin(family)
            for (values, cell) in samples {
                text.add(family, zip(family.labels, values).map { ($0, $1) }, cell)
            }
        }
        for (family, value) in ProcessFigures.read() {
            text.begin(family)
            text.add(family.name, [], MetricsText.number(value))
        }
        text.end()
        return text.text
    }
}

extension MetricsText {
    fileprivate mutating func add(
        _ family: MetricFamily, _ labels: [(name: String, value: String)], _ cell: MetricsRegistry.Cell
    ) {
        switch cell {
        case .counter(let cell): add(family.name, labels, "\(cell.value)")
        case .gauge(let cell): add(family.name, labels, Self.number(cell.value ?? 0))
        case .histogram(let cell):
            let (counts, sum) = cell.value
            for (bound, count) in zip(family.bounds.map { "\($0)" } + ["+Inf"], counts) {
                add(family.name + "_bucket", labels + [("le", bound)], "\(count)")
            }
            add(family.name + "_sum", labels, Self.number(sum))
            add(family.name + "_count", labels, "\(counts.last ?? 0)")
        }
    }
}

extension MetricsRegistry.Cell {
    /// Whether there is nothing to tell yet.
    fileprivate var isEmpty: Bool { if case .gauge(let cell) = self { cell.value == nil } else { false } }
}

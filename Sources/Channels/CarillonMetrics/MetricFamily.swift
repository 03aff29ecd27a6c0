/// A metric as Prometheus knows it: what it is called, what it tells, and by which labels.
package struct MetricFamily: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case counter, gauge, histogram
        /// A gauge that is always 1, whose labels are what it tells.
        case info
    }

    /// As its samples have it: counters end in `_total`.
    package let name: String
    package let kind: Kind
    package let labels: [String]
    /// Series at most; what would be one more is not kept.
    package let most: Int
    /// Upper bounds of a histogram's buckets, in seconds.
    package let bounds: [Double]
    package let help: String

    package init(
        _ name: String, _ kind: Kind, _ labels: [String], most: Int = 1, bounds: [Double] = [], _ help: String
    ) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.most = most
        self.bounds = bounds
        self.help = help
    }

    /// Makes one of a single series.
    package init(_ name: String, _ kind: Kind, _ help: String) { self.init(name, kind, [], help) }

    /// How many lines one series of it is.
    package var samples: Int { kind == .histogram ? bounds.count + 3 : 1 }

    /// Its name without what OpenMetrics adds by itself.
    var base: String {
        switch kind {
        case .counter where name.hasSuffix("_total"): String(name.dropLast(6))
        case .info where name.hasSuffix("_info"): String(name.dropLast(5))
        default: name
        }
    }

    /// What it is measured in, where its name says so.
    var unit: String? { ["seconds", "bytes"].first { base.hasSuffix("_" + $0) } }
}

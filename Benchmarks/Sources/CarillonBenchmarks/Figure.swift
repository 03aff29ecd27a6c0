import Foundation

/// One measured number.
struct Figure: Encodable {
    var name: String
    var value: Double
    var unit: String

    init(_ name: String, _ value: Double, _ unit: String) {
        self.name = name
        self.value = value
        self.unit = unit
    }

    func print() {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return }
        Swift.print(String(decoding: data, as: UTF8.self))
        fflush(nil)
    }
}

/// The values' quantiles, in the unit they are in.
func quantiles(_ values: [Double], _ name: String, _ unit: String) {
    let sorted = values.sorted()
    guard let last = sorted.last else { return }
    Figure("\(name) p50", sorted[sorted.count / 2], unit).print()
    Figure("\(name) p99", sorted[min(sorted.count - 1, sorted.count * 99 / 100)], unit).print()
    Figure("\(name) max", last, unit).print()
}

/// The middle one, or the upper one of two.
func median(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.sorted()[values.count / 2] }

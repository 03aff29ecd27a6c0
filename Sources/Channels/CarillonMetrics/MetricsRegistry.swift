package import CoreMetrics
import Synchronization

/// Keeps what is counted by swift-metrics, for families that it was told of; whatever else is counted goes nowhere.
///
/// The lock is for whoever makes a handler and whoever reads all; a sample needs none.
package final class MetricsRegistry: MetricsFactory, Sendable {
    enum Cell {
        case counter(CounterCell)
        case gauge(GaugeCell)
        case histogram(HistogramCell)
    }

    package let families: [MetricFamily]
    private let byName: [String: MetricFamily]
    /// By a family's name, and by the values of its labels in their order.
    private let series = Mutex<[String: [[String]: Cell]]>([:])

    package init(_ families: [MetricFamily] = MetricFamily.carillon) {
        self.families = families
        byName = Dictionary(families.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Finds or makes the cell of these labels; nil where there is no such family, and past its bound.
    private func cell(
        _ name: String, _ dimensions: [(String, String)], _ kinds: Set<MetricFamily.Kind>,
        _ make: (MetricFamily) -> Cell
    ) -> Cell? {
        guard let family = byName[name], kinds.contains(family.kind), family.labels == dimensions.map(\.0) else {
            return nil
        }
        let values = dimensions.map(\.1)
        return series.withLock { series in
            if let known = series[name]?[values] { return known }
            guard series[name, default: [:]].count < family.most else { return nil }
            let cell = make(family)
            series[name, default: [:]][values] = cell
            return cell
        }
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        guard case .counter(let cell)? = cell(label, dimensions, [.counter], { _ in .counter(CounterCell()) }) else {
            return NOOPMetricsHandler.instance
        }
        return cell
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        guard case .gauge(let cell)? = cell(label, dimensions, [.gauge, .info], { _ in .gauge(GaugeCell()) }) else {
            return NOOPMetricsHandler.instance
        }
        return cell
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let made = cell(label, dimensions, [.histogram]) { .histogram(HistogramCell(bounds: $0.bounds)) }
        guard case .histogram(let cell)? = made else { return NOOPMetricsHandler.instance }
        return cell
    }

    /// Nothing here is a distribution of anything but times.
    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        NOOPMetricsHandler.instance
    }

    package func destroyCounter(_ handler: any CounterHandler) {
        remove { if case .counter(let cell) = $0 { cell === handler } else { false } }
    }

    package func destroyMeter(_ handler: any MeterHandler) {
        remove { if case .gauge(let cell) = $0 { cell === handler } else { false } }
    }

    package func destroyTimer(_ handler: any TimerHandler) {
        remove { if case .histogram(let cell) = $0 { cell === handler } else { false } }
    }

    package func destroyRecorder(_ handler: any RecorderHandler) {}

    private func remove(_ isMeant: (Cell) -> Bool) {
        series.withLock { series in
            for name in series.keys {
                if let values = series[name]?.first(where: { isMeant($0.value) })?.key {
                    series[name]?[values] = nil
                    return
                }
            }
        }
    }

    /// Reads the series of a family, in the order of their labels.
    func samples(of family: MetricFamily) -> [(values: [String], cell: Cell)] {
        let found = series.withLock { $0[family.name] ?? [:] }
        return found.map { ($0.key, $0.value) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
    }
}

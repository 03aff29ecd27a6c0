import CarillonCore
import CoreMetrics
import Timetable

/// The engine's counters and gauges, each made once: an event finds its own by its place.
struct EngineMetrics: Sendable {
    enum StoreOperation: String, CaseIterable {
        case read, open, record, change, beat, prune
    }

    /// One target's.
    private struct Lane: Sendable {
        /// By state and trigger.
        let ended: [Counter]
        /// By state.
        let durations: [Timer]
        let lateness: Timer
        let handover: Timer
        let errors: Counter
        /// By state.
        let active: [Meter]
        let isUp: Meter
        let held: Meter
    }

    private static let finalStates = [RunState.completed, .failed, .cancelled, .skipped]
    private static let activeStates = [RunState.pending, .running, .cancelling]

    private let factory: any MetricsFactory
    /// By their numbers; the last one is of runs that no dispatcher is there for.
    private let lanes: [Lane]
    private let turnedAt: Meter
    private let nextDue: Meter
    private let due: Meter
    private let isPaused: Meter
    private let term: Meter
    private let isHeld: Meter
    private let store: [Timer]
    private let skips: [SkipReason: Counter]
    private let forward: Counter
    private let backward: Counter
    private let suspended: Counter

    init(_ factory: any MetricsFactory, targets: [String]) {
        self.factory = factory
        let counter = { (name: String, labels: [(String, String)]) in
            Counter(label: "carillon_" + name, dimensions: labels, factory: factory)
        }
        let meter = { (name: String, labels: [(String, String)]) in
            Meter(label: "carillon_" + name, dimensions: labels, factory: factory)
        }
        let timer = { (name: String, labels: [(String, String)]) in
            Timer(label: "carillon_" + name, dimensions: labels, factory: factory)
        }
        lanes = (targets + ["none"]).map { target in
            let label = [("target", target)]
            return Lane(
                ended: Self.finalStates.flatMap { state in
                    Trigger.allCases.map {
                        counter("runs_total", [("state", state.rawValue), ("trigger", $0.rawValue)] + label)
                    }
                },
                // One that was skipped has never started.
                durations: Self.finalStates.filter { $0 != .skipped }.map {
                    timer("run_duration_seconds", label + [("state", $0.rawValue)])
                },
                lateness: timer("start_lateness_seconds", label), handover: timer("handover_seconds", label),
                errors: counter("dispatch_errors_total", label),
                active: Self.activeStates.map { meter("runs_active", [("state", $0.rawValue)] + label) },
                isUp: meter("dispatcher_up", label), held: meter("dispatcher_held_runs", label))
        }
        turnedAt = meter("planner_turned_timestamp_seconds", [])
        nextDue = meter("next_due_timestamp_seconds", [])
        due = meter("due_jobs", [])
        isPaused = meter("paused", [])
        term = meter("lease_term", [])
        isHeld = meter("lease_held", [])
        store = StoreOperation.allCases.map { timer("store_transaction_seconds", [("op", $0.rawValue)]) }
        skips = Dictionary(
            uniqueKeysWithValues: SkipReason.allCases.map { reason in
                let labels = [("reason", reason.rawValue), ("missed", reason.isMissed ? "yes" : "no")]
                return (reason, counter("occurrences_skipped_total", labels))
            })
        forward = counter("clock_jumps_total", [("direction", "forward")])
        backward = counter("clock_jumps_total", [("direction", "back")])
        suspended = counter("clock_jumps_total", [("direction", "suspended")])
    }

    /// Makes a gauge of a name and labels that are known only now.
    func meter(_ name: String, _ labels: [(String, String)] = []) -> Meter {
        Meter(label: "carillon_" + name, dimensions: labels, factory: factory)
    }

    // MARK: What happens

    func turned(at now: Timestamp) { turnedAt.set(now.inSeconds) }

    func jumped(_ step: ClockWatch.Step) {
        (step.isSuspension ? suspended : step.by > 0 ? forward : backward).increment()
    }

    func took(_ operation: StoreOperation, _ length: Int64) {
        store[operation.place].recordNanoseconds(length &* 1_000)
    }

    func skipped(_ reason: SkipReason, _ count: Int) { skips[reason]?.increment(by: count) }

    func started(_ lane: Int, late: Int64?, handover: Int64) {
        if let late { lanes[lane].lateness.recordNanoseconds(late &* 1_000) }
        lanes[lane].handover.recordNanoseconds(handover &* 1_000)
    }

    func ended(_ run: Run, _ lane: Int) {
        guard let state = run.state.place, run.state.isFinal else { return }
        lanes[lane].ended[state * Trigger.allCases.count + run.trigger.place].increment()
        if state < lanes[lane].durations.count, let start = run.startedAt, let end = run.endedAt {
            lanes[lane].durations[state].recordNanoseconds((end.microseconds &- start.microseconds) &* 1_000)
        }
    }

    func answered(_ lane: Int, _ results: [DispatchResult]) {
        let errors = results.count { result in
            switch result {
            case .accepted, .known: false
            case .refused, .unavailable, .away: true
            }
        }
        if errors > 0 { lanes[lane].errors.increment(by: errors) }
    }

    // MARK: What is

    func set(_ figures: EngineFigures) {
        for (lane, figures) in zip(lanes, figures.lanes) {
            for (meter, count) in zip(lane.active, [figures.pending, figures.running, figures.cancelling]) {
                meter.set(count)
            }
            lane.held.set(figures.held)
        }
        // Of what nobody serves there is no dispatcher.
        for (lane, figures) in zip(lanes.dropLast(), figures.lanes) { lane.isUp.set(figures.isUp ? 1 : 0) }
        nextDue.set(figures.nextDue?.inSeconds ?? .nan)
        due.set(figures.due)
        isPaused.set(figures.isPaused ? 1 : 0)
    }

    func set(term count: Int64, isHeld sure: Bool) {
        term.set(count)
        isHeld.set(sure ? 1 : 0)
    }
}

extension EngineMetrics.StoreOperation {
    fileprivate var place: Int {
        switch self {
        case .read: 0
        case .open: 1
        case .record: 2
        case .change: 3
        case .beat: 4
        case .prune: 5
        }
    }
}

extension RunState {
    /// Among the final ones.
    fileprivate var place: Int? {
        switch self {
        case .completed: 0
        case .failed: 1
        case .cancelled: 2
        case .skipped: 3
        case .pending, .running, .cancelling: nil
        }
    }
}

extension Trigger {
    fileprivate var place: Int {
        switch self {
        case .schedule: 0
        case .catchUp: 1
        case .manual: 2
        case .boot: 3
        case .backfill: 4
        }
    }
}

extension Timestamp {
    /// Since 1970, as Prometheus has it.
    var inSeconds: Double { Double(microseconds) / 1_000_000 }
}

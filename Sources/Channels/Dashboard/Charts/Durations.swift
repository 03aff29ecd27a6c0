import CarillonCore
package import CarillonEngine
package import Timetable

/// How long runs of a job took, and whether its schedule leaves them the time.
package struct Durations {
    /// Runs that are drawn, and scheduled ones that are compared with their next times.
    private static let drawn = 60
    private static let compared = 20
    private static let (step, bar, height) = (12, 9, 56)

    /// Seconds of those that completed, the shortest first.
    private let completed: [Double]
    /// The last runs that ended, the oldest first.
    private let last: [RunView]
    /// Of so many of the last scheduled runs, so many went on when the next time came.
    package let outlasted: (runs: Int, of: Int)

    /// Takes runs, the newest first, and the schedule they are of; nil where none has ended.
    package init?(_ runs: [RunView], of schedule: Schedule?) {
        let ended = runs.filter { $0.durationSeconds != nil && $0.endedAt != nil }
        guard !ended.isEmpty else { return nil }
        completed = ended.compactMap { $0.state == .completed ? $0.durationSeconds : nil }.sorted()
        last = ended.prefix(Self.drawn).reversed()
        let scheduled = ended.lazy.filter { $0.trigger == .schedule }.prefix(Self.compared)
        let late = scheduled.count { run in
            guard let end = run.endedAt, let next = schedule?.next(after: run.scheduledAt) else { return false }
            return next < end
        }
        outlasted = (late, scheduled.count)
    }

    package var count: Int { completed.count }

    /// The seconds that so many of a hundred completed ones took at most; nil where none completed.
    package func percentile(_ percent: Int) -> Double? {
        completed.isEmpty ? nil : completed[(completed.count - 1) * percent / 100]
    }

    /// One bar a run, the newest on the right.
    func svg(_ label: (Timestamp) -> String) -> String {
        let seconds = last.map { $0.durationSeconds ?? 0 }
        let longest = max(seconds.max() ?? 0, 0.001)
        let words =
            "How long the last \(last.count) runs took: \(TimeFormatter.length(seconds.min() ?? 0)) to "
            + "\(TimeFormatter.length(longest)), the last one \(TimeFormatter.length(seconds.last ?? 0))."
        var drawing = Drawing(width: Self.drawn * Self.step, height: Self.height, words: words)
        for (place, (run, took)) in zip(last, seconds).enumerated() {
            let size = max(2, took / longest * Double(Self.height - 2))
            drawing.bar(
                x: (Self.drawn - last.count + place) * Self.step, y: Double(Self.height) - size, width: Self.bar,
                height: size, run.state == .failed ? "bad" : "good",
                "\(label(run.scheduledAt)): \(TimeFormatter.length(took)), \(run.state.rawValue)")
        }
        return drawing.svg
    }
}

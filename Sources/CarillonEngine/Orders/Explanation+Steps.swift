import CarillonCore
import Timetable

/// What had to hold for a time to become a run that completed, one thing after the other, up to the first that did not.
extension Explanation {
    /// Tells them of a run.
    func steps(of run: Run, _ zone: Zone) -> [WhyView.Step] {
        var steps: [WhyView.Step] = []
        if run.trigger.isOrdered || run.trigger == .boot {
            let words = run.trigger == .boot ? "the machine was booted" : "somebody asked for it"
            steps.append(step(.scheduled, true, words, revision: run.revision))
        } else {
            let words = "\(zone.format(run.scheduledAt)) is a time of its schedule"
            steps.append(step(.scheduled, true, words, revision: run.revision))
            // Of one that was caught up something did not hold at its time.
            if run.trigger == .schedule { steps += Self.passed(before: .opened).map { step($0, true, $0.words) } }
        }
        steps.append(
            step(
                .opened, true, "run \(run.id) was opened", runs: [run.id], instance: run.instance, term: run.term))
        guard let started = run.startedAt else {
            let waits = run.held.flatMap { $0.until == nil ? $0.why : nil }
            let words = waits ?? run.reason ?? run.outcome.error ?? "it waits for its time, its turn or for room"
            return steps + [step(.started, run.state.isFinal || waits != nil ? false : nil, words, runs: [run.id])]
        }
        steps.append(step(.started, true, "it started at \(zone.format(started))", runs: [run.id]))
        guard run.state.isFinal else {
            return steps + [step(.completed, nil, "it is \(run.state.rawValue)", runs: [run.id])]
        }
        let words = run.outcome.error ?? run.reason ?? "it is \(run.state.rawValue)"
        return steps + [step(.completed, run.state == .completed, words, runs: [run.id])]
    }

    /// Tells them of a time that was skipped.
    func steps(of skip: Skip, at time: Timestamp, _ zone: Zone) async throws -> [WhyView.Step] {
        let check = WhyView.Check(skip.reason)
        var steps: [WhyView.Step] = []
        if check != .scheduled {
            let words = "\(zone.format(time)) is a time of its schedule"
            steps.append(step(.scheduled, true, words, revision: skip.revision))
            steps += Self.passed(before: check).map { step($0, true, $0.words) }
        }
        var inTheWay: [RunID] = []
        if skip.reason == .overlap {
            // Whatever ran then; the newest are the likeliest.
            inTheWay = try await desk.store.runs(RunQuery(job: job.job.name, until: time, limit: 50))
                .filter { $0.scheduledAt < time && ($0.endedAt.map { $0 > time } ?? !$0.state.isFinal) }.map(\.id)
        }
        var last = step(
            check, false, skip.reason.words + (skip.detail.map { " (\($0))" } ?? ""), runs: inTheWay,
            revision: skip.revision)
        (last.evidence.after, last.evidence.through) = (skip.after, skip.through)
        return steps + [last]
    }

    func step(
        _ check: WhyView.Check, _ holds: Bool?, _ words: String, runs: [RunID] = [], revision: Int64? = nil,
        instance: String? = nil, term: Int64? = nil
    ) -> WhyView.Step {
        WhyView.Step(
            check: check, holds: holds, words: words,
            evidence: WhyView.Evidence(
                runs: runs.map(\.description), revision: revision, instance: instance, term: term))
    }

    /// What lies between a time of the schedule and this.
    private static func passed(before check: WhyView.Check) -> [WhyView.Check] {
        let all = WhyView.Check.allCases
        guard let end = all.firstIndex(of: check), end > 0 else { return [] }
        return Array(all[1..<end])
    }
}

extension WhyView.Check {
    /// What it was that a skip's reason says did not hold.
    init(_ reason: SkipReason) {
        self =
            switch reason {
            case .gap, .calendar, .past: .scheduled
            case .disabled, .halted, .ordered: .on
            case .faulty: .readable
            case .downtime, .stall, .clock: .planned
            case .paused: .dispatching
            case .unreachable: .reachable
            case .overlap, .full: .room
            case .window: .inTime
            case .unknown: .opened
            }
    }

    /// For people, where it held.
    fileprivate var words: String {
        switch self {
        case .scheduled: "it is a time of its schedule"
        case .on: "the job was on"
        case .readable: "its definition could be read"
        case .planned: "a daemon was scheduling"
        case .dispatching: "nothing was held back by a pause"
        case .reachable: "what executes it was within reach"
        case .room: "no earlier run stood in its way"
        case .inTime: "it was not too late"
        case .opened: "a run was opened"
        case .started: "it started"
        case .completed: "it completed"
        }
    }
}

import CarillonCore
import CarillonTestSupport
import ExecDispatcher
import Timetable

/// A dispatcher in a directory of its own, and one run after another through it.
struct ExecBench {
    let fixture: ExecFixture
    let probe: DispatcherProbe<ExecDispatcher>

    static let time = Timestamp(seconds: 1_800_000_000)

    init(_ change: (inout ExecConfiguration) -> Void = { _ in }) async throws {
        fixture = try ExecFixture()
        probe = DispatcherProbe(try fixture.make(change))
    }

    var dispatcher: ExecDispatcher { probe.dispatcher }

    func attempt(_ number: UInt64 = 1) -> AttemptID {
        AttemptID(run: RunID(second: 1_800_000_000, hash: number), attempt: 1)
    }

    func send(_ target: ExecTarget, _ number: UInt64 = 1, job: String = "job") async -> DispatchResult? {
        await dispatcher.dispatch([
            Dispatch(attempt: attempt(number), job: job, target: target, scheduledAt: Self.time)
        ]).first
    }

    /// Runs a target to its end, sent again as often as nothing was started; what was said when it is not accepted.
    func run(_ target: ExecTarget, _ number: UInt64 = 1, job: String = "job") async -> DispatchEvent.What? {
        let attempt = attempt(number)
        while !Task.isCancelled {
            let before = await probe.events(of: attempt).count { $0.what.isFinal }
            let result = await send(target, number, job: job)
            if case .refused(let text) = result { return .failed(Outcome(error: "refused: \(text)")) }
            if case .unavailable(let text) = result { return .failed(Outcome(error: "unavailable: \(text)")) }
            let what = await probe.final(of: attempt, after: before)
            guard case .unsent = what else { return what }
        }
        return nil
    }

    func log(_ number: UInt64 = 1, job: String = "job") -> String {
        let path = RunLog.path(of: attempt(number).run, job: job, in: "state")
        return fixture.text(path)
    }

    /// What an attempt's record in the ledger looks like.
    func record(_ number: UInt64 = 1, dispatched: Bool = true, started: Bool = false) -> Run {
        var run = Run(
            id: attempt(number).run, jobID: JobID(1), job: "job", revision: 1, trigger: .schedule,
            scheduledAt: Self.time, createdAt: Self.time)
        run.dispatchedAt = dispatched ? Self.time : nil
        run.startedAt = started ? Self.time : nil
        return run
    }

    func end() async {
        await dispatcher.shutdown()
        await probe.ended()
        fixture.remove()
    }
}

extension DispatchEvent.What {
    var outcome: Outcome? {
        switch self {
        case .started, .heartbeat, .lost, .forgotten, .unsent, .unstarted, .unheard: nil
        case .succeeded(let outcome), .failed(let outcome), .cancelled(let outcome): outcome
        }
    }

    var error: String? { outcome?.error }
}

public import Timetable

/// What can happen to a run.
public enum RunEvent: Hashable, Sendable {
    /// It is handed to its dispatcher.
    case dispatched
    /// Its dispatcher has taken it.
    case taken
    case started(ProcessIdentity?)
    case heartbeat
    case succeeded(Outcome)
    case failed(Outcome)
    /// It ended because it was told to.
    case cancelled(Outcome)
    /// Nobody can know any more how it ended.
    case lost(String)
    /// Its dispatcher will never take it.
    case refused(String)
    /// Its dispatcher is out of reach: it waits in the ledger.
    case unreachable(String)
    /// Its executor lost it before anybody was seen to start it.
    case forgotten(String)
    /// The machine that it was handed over on has never started it, and never will.
    case unstarted(String)
    /// Somebody wants it to end, for this reason.
    case cancel(reason: String)
    /// It took longer than a time-out of its job allows.
    case overran(TimeOut)
    /// It never starts, for this reason.
    case skip(SkipReason)
}

/// The time-outs of a run.
public enum TimeOut: String, Hashable, Sendable, Codable {
    case start, execution, heartbeat
    /// Of the word that it was cancelled.
    case cancel
}

/// The only code that knows which event moves which state.
public enum RunMachine {
    /// What an event did, and so what remains to be done.
    public enum Step: Hashable, Sendable {
        /// Late, repeated or out of place: the run is as it was.
        case ignored
        /// The run changed and goes on.
        case moved
        /// The run is to be ended by its executor; its answer is awaited.
        case cancelling
        /// The same attempt is to be dispatched, again or for the first time.
        case waiting
        /// Another attempt is pending, not before `Run.notBefore`.
        case retrying
        /// The run is final.
        case ended
    }

    /// Tries that a run with `onLost: retry` gets at least.
    static let triesWhenLost = 3

    /// Attempts that fell silent of which a run keeps the story.
    static let mostSilent = 50

    /// Moves `run`. `attempt` is the attempt the event speaks of; an old attempt's word is ignored, nil means the run itself.
    public static func apply(
        _ event: RunEvent, attempt: Int? = nil, to run: inout Run, policies: Policies, at now: Timestamp
    ) -> Step {
        if run.state.isFinal { return .ignored }
        if let attempt, attempt != run.attempt { return .ignored }
        switch event {
        case .dispatched:
            guard run.state == .pending, run.dispatchedAt == nil else { return .ignored }
            run.dispatchedAt = now
            return .moved
        case .taken:
            guard run.state == .pending, run.dispatchedAt != nil, run.held != nil, run.held?.until == nil
            else { return .ignored }
            run.held?.until = now
            run.reason = nil
            return .moved
        case .started(let process):
            return start(&run, process: process, at: now)
        case .heartbeat:
            guard run.state == .running else { return .ignored }
            run.heartbeatAt = now
            return .moved
        case .succeeded(let outcome):
            return end(&run, .completed, outcome, at: now)
        case .failed(let outcome):
            if run.state == .cancelling { return endCancelled(&run, outcome, policies, at: now) }
            return fail(&run, outcome, cause: .failure, policies, at: now)
        case .cancelled(let outcome):
            return endCancelled(&run, outcome, policies, at: now)
        case .refused(let why):
            if run.state == .cancelling { return endCancelled(&run, Outcome(error: why), policies, at: now) }
            return fail(&run, Outcome(error: why), cause: .failure, policies, at: now)
        case .lost(let why):
            return lose(&run, why, policies, at: now)
        case .unreachable(let why):
            return hold(&run, why, policies, at: now)
        case .forgotten(let why):
            return forget(&run, why, policies, at: now)
        case .unstarted(let why):
            guard run.dispatchedAt != nil, run.startedAt == nil else { return .ignored }
            if run.state == .cancelling { return endCancelled(&run, Outcome(), policies, at: now) }
            // Another attempt: the word of this one may come twice, when it is out again elsewhere.
            return republish(&run, why, at: now)
        case .cancel(let reason):
            return cancel(&run, reason: reason, at: now)
        case .overran(let timeOut):
            return overrun(&run, timeOut, policies, at: now)
        case .skip(let reason):
            guard run.state == .pending, run.dispatchedAt == nil else { return .ignored }
            run.reason = reason.words
            return end(&run, .skipped, Outcome(), at: now)
        }
    }

    private static func start(_ run: inout Run, process: ProcessIdentity?, at now: Timestamp) -> Step {
        guard run.startedAt == nil else { return .ignored }
        run.dispatchedAt = run.dispatchedAt ?? now
        if run.held != nil, run.held?.until == nil { run.held?.until = run.dispatchedAt }
        run.startedAt = now
        run.process = process
        if run.state == .pending {
            run.state = .running
            run.reason = nil
        }
        return .moved
    }

    private static func hold(_ run: inout Run, _ why: String, _ policies: Policies, at now: Timestamp) -> Step {
        switch run.state {
        case .pending:
            let isHeld = run.held.map { $0.until == nil } ?? false
            if run.dispatchedAt == nil, isHeld { return .ignored }
            if !isHeld { run.held = Hold(since: run.dispatchedAt ?? now, why: why) }
            run.dispatchedAt = nil
            run.machine = nil
            run.reason = "waits: \(why)"
            return .waiting
        case .cancelling where run.startedAt == nil: return endCancelled(&run, Outcome(), policies, at: now)
        default: return .ignored
        }
    }

    private static func forget(_ run: inout Run, _ why: String, _ policies: Policies, at now: Timestamp) -> Step {
        guard run.dispatchedAt != nil else { return .ignored }
        switch run.state {
        case .pending:
            run.dispatchedAt = nil
            run.machine = nil
            run.reason = "goes out again: \(why)"
            return .waiting
        case .cancelling where run.startedAt == nil: return endCancelled(&run, Outcome(), policies, at: now)
        default: return lose(&run, why, policies, at: now)
        }
    }

    private static func cancel(_ run: inout Run, reason: String, at now: Timestamp) -> Step {
        if run.state == .cancelling {
            // What a time-out cancels would be tried again; what somebody wants to end is not.
            guard let error = run.outcome.error else { return .ignored }
            run.outcome.error = nil
            run.reason = "\(reason); \(error)"
            return .moved
        }
        run.reason = reason
        if run.state == .pending, run.dispatchedAt == nil { return end(&run, .cancelled, Outcome(), at: now) }
        run.state = .cancelling
        return .cancelling
    }

    private static func overrun(_ run: inout Run, _ timeOut: TimeOut, _ policies: Policies, at now: Timestamp) -> Step {
        let expected: RunState =
            switch timeOut {
            case .start: .pending
            case .execution, .heartbeat: .running
            case .cancel: .cancelling
            }
        guard run.state == expected, run.dispatchedAt != nil else { return .ignored }
        let (what, limit) =
            switch timeOut {
            case .start: ("was never picked up: it did not start within", policies.startTimeout)
            case .execution: ("timed out after", policies.timeout)
            case .heartbeat: ("gave no sign of life for", policies.heartbeatTimeout)
            case .cancel: ("not confirmed within", policies.signs?.cancelTimeout)
            }
        if timeOut == .cancel {
            run.reason = (run.reason.map { "\($0); " } ?? "") + "\(what) \(Span.format(limit ?? 0))"
            return endCancelled(&run, Outcome(), policies, at: now)
        }
        if timeOut == .heartbeat, let signs = policies.signs,
            signs.maxRepublications.map({ run.republications < $0 }) ?? true
        {
            return republish(&run, "\(what) \(Span.format(limit ?? 0))", at: now)
        }
        run.outcome.error = "\(what) \(Span.format(limit ?? 0))"
        run.reason = run.outcome.error
        run.state = .cancelling
        return .cancelling
    }

    /// Ends a cancelled run: one by a time-out carries its error already and fails; any other is what somebody wanted.
    private static func endCancelled(_ run: inout Run, _ outcome: Outcome, _ policies: Policies, at now: Timestamp)
        -> Step
    {
        var outcome = outcome
        guard let error = run.outcome.error else {
            outcome.error = nil
            return end(&run, .cancelled, outcome, at: now)
        }
        outcome.error = error
        if triesAgain(run, .timeout, policies) { return retry(&run, outcome, policies, at: now) }
        return end(&run, policies.signs == nil ? .failed : .cancelled, outcome, at: now)
    }

    private static func lose(_ run: inout Run, _ why: String, _ policies: Policies, at now: Timestamp) -> Step {
        let outcome = Outcome(error: "outcome unknown: \(why)")
        if run.state == .cancelling { return end(&run, .failed, outcome, at: now) }
        if policies.onLost == .retry, run.tries < max(policies.retry.attempts, triesWhenLost) {
            return retry(&run, outcome, policies, at: now)
        }
        return end(&run, .failed, outcome, at: now)
    }

    private static func fail(
        _ run: inout Run, _ outcome: Outcome, cause: Retry.Cause, _ policies: Policies, at now: Timestamp
    ) -> Step {
        if triesAgain(run, cause, policies) { return retry(&run, outcome, policies, at: now) }
        return end(&run, .failed, outcome, at: now)
    }

    private static func triesAgain(_ run: Run, _ cause: Retry.Cause, _ policies: Policies) -> Bool {
        run.tries < policies.retry.attempts && policies.retry.on.contains(cause)
    }

    private static func retry(_ run: inout Run, _ outcome: Outcome, _ policies: Policies, at now: Timestamp) -> Step {
        run.earlier.append(
            EndedAttempt(attempt: run.attempt, startedAt: run.startedAt, endedAt: now, outcome: outcome))
        run.notBefore = now.adding(microseconds: policies.retry.delay(afterAttempt: run.tries))
        run.reason = "attempt \(run.attempt) failed: \(outcome.error ?? "no reason given")"
        beginAnew(&run)
        return .retrying
    }

    /// Sends a run out again whose executor fell silent, or never had it: no try that counts.
    private static func republish(_ run: inout Run, _ why: String, at now: Timestamp) -> Step {
        run.earlier.append(
            EndedAttempt(
                attempt: run.attempt, startedAt: run.startedAt, endedAt: now, outcome: Outcome(error: why),
                wasSilent: true))
        // The first says when it began, and the last how it stands.
        let silent = run.earlier.indices.filter { run.earlier[$0].wasSilent ?? false }
        if silent.count > mostSilent { run.earlier.remove(at: silent[1]) }
        run.notBefore = now
        run.reason = "goes out again: attempt \(run.attempt) \(why)"
        beginAnew(&run)
        return .retrying
    }

    private static func beginAnew(_ run: inout Run) {
        run.attempt += 1
        run.state = .pending
        run.outcome = Outcome()
        run.dispatchedAt = nil
        run.machine = nil
        run.startedAt = nil
        run.heartbeatAt = nil
        run.process = nil
        run.held = nil
    }

    private static func end(_ run: inout Run, _ state: RunState, _ outcome: Outcome, at now: Timestamp) -> Step {
        if state == .completed { run.reason = nil }
        run.state = state
        run.outcome = outcome
        run.endedAt = now
        return .ended
    }
}

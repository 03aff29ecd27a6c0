import CarillonCore
import CarillonEngine
import Timetable

/// Runs attempts as a dispatcher's executor would, and outlives every daemon.
final class SimulatedExecutor {
    struct Attempt {
        var job: JobID
        var heartbeat: Int64?
        var isStarted = false
        var isExecuting = true
        var startedAt: Timestamp?
        /// How it ended, kept until it is acknowledged.
        var end: DispatchEvent?
    }

    private unowned let world: World
    /// Whose machine it is on; nil for one that all hand over to.
    private let owner: SimulatedInstance?
    private(set) var attempts: [AttemptID: Attempt] = [:]
    /// It takes nothing new before this, in elapsed time.
    var awayUntil: Int64 = 0
    private var numbers = 0

    init(_ world: World, on instance: SimulatedInstance? = nil) {
        self.world = world
        owner = instance
    }

    var isIdle: Bool { attempts.isEmpty }

    func dispatch(_ outgoing: Outgoing, from instance: SimulatedInstance) -> DispatchResult {
        let id = outgoing.attempt
        if attempts[id] != nil, world.sabotage != .noGuard { return .known }
        if world.clock.uptime < awayUntil { return .unavailable("the executor is away") }
        if world.faulty, world.random.chance(0.004) { return .refused("no such program") }
        guard let job = world.auditor.job(named: outgoing.definition.job.name) else { return .refused("no such job") }
        attempts[id] = Attempt(job: job.id, heartbeat: job.heartbeat)
        world.auditor.begins(id, of: job)
        world.totals.attempts += 1
        plan(id, job.heartbeat)
        // The answer is lost; asked again, the executor knows the attempt.
        let mayDeny = owner == nil && job.mayOverlap && world.faulty && job.hasNoWindow && world.random.chance(0.01)
        return mayDeny ? .unavailable("no answer in time") : .accepted
    }

    private func plan(_ id: AttemptID, _ heartbeat: Int64?) {
        let delay = world.random.span(1_000...(world.faulty ? 300_000_000 : 1_000_000))
        let length = world.random.span(1_000...(world.faulty ? 3 * JobMaker.hour : JobMaker.hour / 4))
        world.later(delay) { self.start(id) }
        if let heartbeat {
            for beat in 1...6 where Int64(beat) * heartbeat / 2 < length {
                world.later(delay + Int64(beat) * heartbeat / 2) { self.beat(id) }
            }
        }
        let fate = world.random.number(0...99)
        // It hangs, for days unless somebody ends it.
        let hang =
            world.faulty && fate < (owner == nil ? 3 : 15) ? world.random.span(JobMaker.hour...10 * JobMaker.day) : 0
        world.later(delay + length + hang) {
            switch fate {
            case 15..<17: self.end(id, .lost("the machine is gone"))
            case 17..<28: self.end(id, .failed(Outcome(exitCode: 1, error: "exit code 1")))
            default: self.end(id, .succeeded(Outcome(exitCode: 0)))
            }
        }
    }

    private func start(_ id: AttemptID) {
        guard var attempt = attempts[id], attempt.isExecuting, !attempt.isStarted else { return }
        attempt.isStarted = true
        attempt.startedAt = world.clock.wall
        attempts[id] = attempt
        tell(DispatchEvent(attempt: id, at: world.clock.wall, what: .started(nil)))
    }

    private func beat(_ id: AttemptID) {
        guard let attempt = attempts[id], attempt.isExecuting else { return }
        tell(DispatchEvent(attempt: id, at: world.clock.wall, what: .heartbeat))
    }

    private func end(_ id: AttemptID, _ what: DispatchEvent.What) {
        guard var attempt = attempts[id], attempt.isExecuting else { return }
        attempt.isExecuting = false
        let event = DispatchEvent(attempt: id, at: world.clock.wall, what: what)
        attempt.end = event
        attempts[id] = attempt
        world.auditor.ends(id, of: attempt.job)
        tell(event)
        if world.isShared, owner == nil { remind(of: id) }
    }

    /// Tells of an end again as long as nobody has acknowledged it: whoever recorded it may be gone.
    private func remind(of id: AttemptID) {
        world.later(JobMaker.day / 4) {
            guard let end = self.attempts[id]?.end else { return }
            self.tell(end)
            self.remind(of: id)
        }
    }

    /// Tells late, twice, in any order; it is lost when no daemon listens.
    private func tell(_ event: DispatchEvent) {
        for _ in 0...(world.random.chance(0.05) ? 1 : 0) {
            world.later(world.random.span(100...(world.faulty ? 60_000_000 : 100_000))) {
                if let owner = self.owner { owner.hear(event) } else { self.world.hear(event) }
            }
        }
    }

    func cancel(_ id: AttemptID) {
        guard attempts[id]?.isExecuting ?? false else { return }
        let dies = world.random.chance(0.2)
        world.later(world.random.span(1_000...10_000_000)) {
            self.end(id, dies ? .failed(Outcome(signal: 15, error: "signal 15")) : .cancelled(Outcome(signal: 15)))
        }
    }

    func acknowledge(_ id: AttemptID) {
        if let attempt = attempts[id], !attempt.isExecuting { attempts[id] = nil }
    }

    /// Answers what it never received, forgets what the ledger has done with, and tells the rest once more.
    ///
    /// Where others may have handed something over, it says nothing of what is not asked for.
    func adopt(_ outstanding: [AttemptID], alone: Bool) -> [AttemptID] {
        let wanted = Set(outstanding)
        for id in attempts.keys.sorted(by: AttemptID.byRun) where alone || wanted.contains(id) {
            guard let attempt = attempts[id] else { continue }
            if let end = attempt.end {
                if !wanted.contains(id), world.random.chance(0.5) { attempts[id] = nil } else { tell(end) }
            } else if let started = attempt.startedAt {
                tell(DispatchEvent(attempt: id, at: started, what: .started(nil)))
            }
        }
        return outstanding.filter { attempts[$0] == nil }
    }

    /// Ends all that runs: the machine went down with it, or whatever hangs is ended by hand.
    func endAll(_ what: DispatchEvent.What) {
        for id in attempts.keys.sorted(by: AttemptID.byRun) { end(id, what) }
    }
}

extension AttemptID {
    static func byRun(_ a: AttemptID, _ b: AttemptID) -> Bool { (a.run, a.attempt) < (b.run, b.attempt) }
}

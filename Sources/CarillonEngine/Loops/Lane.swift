import CarillonCore
import Timetable

/// A dispatcher with the type of its targets erased; the only place where one is cast.
struct Lane: Sendable {
    let kind: Target.Kind
    /// For all that has nothing to do with targets.
    let dispatcher: any Dispatcher
    let open: @Sendable (Target) throws(TargetFault) -> any TargetBody
    /// Says why a target cannot be executed here; nil when it can.
    let fault: @Sendable (Target) -> String?
    /// Hands over a batch; what lives on this machine must start before a time, if one is given (`Dispatch.startBy`).
    let dispatch: @Sendable ([Outgoing], Int64?) async -> [DispatchResult]
    let expect: @Sendable ([Job]) async -> Void
    let dismiss: @Sendable ([String]) async -> Void
    let doubts: @Sendable ([Job]) async -> [String?]

    init<D: Dispatcher>(_ dispatcher: D) {
        kind = D.Body.kind
        self.dispatcher = dispatcher
        open = { target throws(TargetFault) in try target.open(as: D.Body.self) }
        fault = { target in
            do throws(TargetFault) {
                return dispatcher.refusal(of: try target.open(as: D.Body.self))
            } catch {
                return error.message
            }
        }
        dispatch = { batch, startBy in await Self.dispatch(batch, startBy, to: dispatcher) }
        let listened = dispatcher as? any ListenedDispatcher<D.Body>
        expect = { jobs in await listened?.expect(Self.opened(jobs).compactMap { $0 }) }
        dismiss = { jobs in await listened?.dismiss(jobs) }
        doubts = { jobs in
            guard let listened else { return jobs.map { _ in nil } }
            let bodies: [(job: String, target: D.Body)?] = Self.opened(jobs)
            var told = await listened.doubts(of: bodies.compactMap { $0 }).makeIterator()
            return bodies.map { $0 == nil ? nil : told.next() ?? nil }
        }
    }

    private static func opened<Body: TargetBody>(_ jobs: [Job]) -> [(job: String, target: Body)?] {
        jobs.map { job in (try? job.target.open(as: Body.self)).map { (job.name, $0) } }
    }

    /// Dispatches a batch, with one result for each. What is none of this dispatcher's waits alone, by its job's fault.
    private static func dispatch<D: Dispatcher>(
        _ batch: [Outgoing], _ startBy: Int64?, to dispatcher: D
    ) async -> [DispatchResult] {
        var typed: [Dispatch<D.Body>] = []
        typed.reserveCapacity(batch.count)
        for outgoing in batch {
            guard let body = outgoing.definition.body as? D.Body else { continue }
            typed.append(
                Dispatch(
                    attempt: outgoing.attempt, job: outgoing.definition.job.name, target: body,
                    scheduledAt: outgoing.scheduledAt, arguments: outgoing.arguments, startBy: startBy))
        }
        if typed.count == batch.count { return await dispatcher.dispatch(typed) }
        var results = (typed.isEmpty ? [] : await dispatcher.dispatch(typed)).makeIterator()
        return batch.map { outgoing in
            guard outgoing.definition.body is D.Body else {
                return .unavailable(outgoing.definition.fault ?? "its target is none of kind \(D.Body.kind)")
            }
            return results.next() ?? .away("no answer")
        }
    }
}

/// All lanes by their numbers. One more has no dispatcher: runs of kinds that nobody serves here wait in it.
struct Lanes: Sendable {
    let served: [Lane]
    private let sound = SoundRevisions()
    private let numbers: [Target.Kind: Int]
    /// What this machine and instance are called, where no other takes what is for another one; nil where others may.
    private let hosts: [String]?

    init(_ dispatchers: [any Dispatcher], hosts: [String]?) {
        self.hosts = hosts
        served = dispatchers.map { Self.lane($0) }
        // Composition gives one for each kind.
        numbers = Dictionary(served.enumerated().map { ($1.kind, $0) }) { first, _ in first }
    }

    private static func lane(_ dispatcher: some Dispatcher) -> Lane { Lane(dispatcher) }

    /// What the decisions know of each, the one without a dispatcher last.
    var states: [LaneState] {
        served.map {
            LaneState(
                capacity: $0.dispatcher.capacity, isBound: $0.dispatcher.isBound,
                lostAfter: $0.dispatcher.lostAfter,
                isConfirming: $0.dispatcher.isConfirming)
        } + [LaneState()]
    }

    func number(of kind: Target.Kind) -> Int { numbers[kind] ?? served.count }

    func lane(of kind: Target.Kind) -> Lane? { numbers[kind].map { served[$0] } }

    static func unserved(_ kind: Target.Kind) -> String { "this daemon is not set up for \(kind) jobs" }

    /// Says why a job cannot be executed here; nil when it can, and for a kind that nobody serves.
    func fault(of job: Job) -> String? { strangeness(job) ?? lane(of: job.target.kind)?.fault(job.target) }

    /// Says why nobody would run a job.
    private func strangeness(_ job: Job) -> String? {
        guard let hosts, let host = job.policies.host, !hosts.contains(host) else { return nil }
        return """
            host: '\(host)' is another machine, and this daemon, on \(hosts.joined(separator: " alias ")), has its store alone; \
            several share one in PostgreSQL
            """
    }

    /// Answers the job as the store has it, with a fault when its target cannot be opened.
    func checked(_ stored: StoredJob) -> StoredJob { sound.contains(stored) ? stored : opened(stored).job }

    func definition(of stored: StoredJob, zones: ZoneDatabase) -> CompiledJob {
        let (job, body) = opened(stored)
        return CompiledJob(job, zones: zones, lane: number(of: job.job.target.kind), body: body)
    }

    private func opened(_ stored: StoredJob) -> (job: StoredJob, body: (any TargetBody)?) {
        guard stored.fault == nil, let lane = lane(of: stored.job.target.kind) else { return (stored, nil) }
        if let strange = strangeness(stored.job) {
            var faulty = stored
            faulty.fault = strange
            return (faulty, nil)
        }
        do throws(TargetFault) {
            let body = try lane.open(stored.job.target)
            sound.insert(stored)
            return (stored, body)
        } catch {
            var faulty = stored
            faulty.fault = error.message
            return (faulty, nil)
        }
    }
}

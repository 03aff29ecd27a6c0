public import CarillonCore
import DequeModule
public import Logging
import Timetable

/// Publishes runs to workers on a bus, and listens to what they tell.
///
/// At least once: an attempt goes out until the bus has confirmed it, always under one message id. What a worker tells stays on
/// the bus until the ledger has it.
public actor BusDispatcher: ListenedDispatcher {
    public nonisolated let capacity: Int? = nil
    public nonisolated let isConfirming = true
    public nonisolated let takesArguments = true
    public nonisolated let events: AsyncStream<[DispatchEvent]>

    let bus: any MessageBus
    let marks: BusMarks
    let clock: any EngineClock
    let logger: Logger
    let tell: AsyncStream<[DispatchEvent]>.Continuation
    /// Rings when somebody wants the bus, or something of it.
    var wish: AsyncStream<Void>.Continuation?

    /// How far a job's place is.
    enum Standing: Hashable {
        case wanted, ready
        /// The bus does not like it.
        case faulty(String)
    }

    var roster: BusRoster
    var line: (any BusLine)?
    var places: [JobPlace: Standing] = [:]
    /// Where each job is, as its definition said last.
    private var newest: [String: JobPlace] = [:]
    /// Jobs that were deleted: the next line is without them, unless something of theirs is still out.
    private var gone: Set<String> = []
    /// Jobs of which nobody has said it yet, although attempts of theirs are out.
    private var guessed: Set<String> = []
    /// Those to declare next come last.
    var toDeclare = Deque<JobPlace>()
    /// With which the last line was lost.
    var suspects: Set<JobPlace> = []
    /// The bus may have lost these: they went out before it had our mark.
    var doubted: Set<AttemptID> = []
    /// The bus has lost these, and they are to go out again; before that there is no mark.
    var recalled: Set<AttemptID> = []
    var isMarkOwed = false
    /// Cancels that could not go out yet.
    var owedCancels: [AttemptID: JobPlace] = [:]
    /// Rings when there are some.
    var cancelWish: AsyncStream<Void>.Continuation?
    var isWanted = false
    /// Before it knows what is out, a word of it would be one about an unknown run.
    var hasAdopted = false
    var isShut = false
    /// Until then nobody wants to read of another message that makes no sense.
    private var reportedUntil: Timestamp?
    /// Microseconds.
    private static let reportPause: Int64 = 10_000_000
    /// Why there is no line; nil when there is, and as long as nobody wants one.
    var trouble: String?

    /// Where it `isShared`, runs of the same jobs may be another instance's. `marks` says whether this one has ever left its mark:
    /// what a new one is given has not gone out before that, and a bus that lacks it has lost nothing.
    public init(
        _ bus: any MessageBus, isShared: Bool = false, marks: BusMarks = .always, clock: any EngineClock, logger: Logger
    ) {
        self.bus = bus
        self.marks = marks
        roster = BusRoster(isShared: isShared)
        self.clock = clock
        self.logger = logger
        (events, tell) = AsyncStream.makeStream()
    }

    // MARK: The engine's side

    /// What is out, as the ledger says, the bus has confirmed; of everything else it may have a message all the same.
    public func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        for run in outstanding {
            let attempt = AttemptID(run: run.id, attempt: run.attempt)
            let place = newest[run.job] ?? JobPlace(job: run.job, topology: .queues)
            if newest[run.job] == nil { guessed.insert(run.job) }
            var entry = BusRoster.Entry(attempt: run.attempt, place: place)
            entry.isOut = run.dispatchedAt != nil
            entry.mayBeOut = true
            entry.isStarted = run.startedAt != nil
            entry.isNoted = entry.isStarted
            entry.isCancelling = run.state == .cancelling
            _ = roster.add(attempt, entry)
        }
        hasAdopted = true
        if !outstanding.isEmpty || isWanted { want() }
        return outstanding.filter { $0.dispatchedAt == nil && $0.startedAt == nil }
            .map { AttemptID(run: $0.id, attempt: $0.attempt) }
    }

    public func expect(_ jobs: [(job: String, target: BusTarget)]) async {
        for (job, target) in jobs { declare(JobPlace(job: job, topology: target.topology), isUrgent: false) }
    }

    public func dismiss(_ jobs: [String]) async { gone.formUnion(jobs) }

    /// Drops what nobody needs any more.
    func clear() {
        for job in gone where !roster.isBusy(job) {
            gone.remove(job)
            if let place = newest.removeValue(forKey: job) { places[place] = nil }
        }
    }

    public func doubts(of jobs: [(job: String, target: BusTarget)]) async -> [String?] {
        jobs.map { job, target in
            switch places[JobPlace(job: job, topology: target.topology)] {
            case .ready?: trouble
            case .faulty(let why)?: why
            case .wanted?, nil: trouble ?? "what it needs on the bus is being made"
            }
        }
    }

    public func dispatch(_ batch: [Dispatch<BusTarget>]) async -> [DispatchResult] {
        var results = [DispatchResult](repeating: .known, count: batch.count)
        var sending: [(place: Int, action: BusAction)] = []
        var again: [DispatchEvent] = []
        for (number, dispatch) in batch.enumerated() {
            let action = BusAction(dispatch)
            if let entry = roster[dispatch.attempt], entry.isOut || entry.isStarted || entry.end != nil {
                if let end = entry.end {
                    again.append(DispatchEvent(attempt: dispatch.attempt, at: clock.now, what: end))
                }
                if !doubted.contains(dispatch.attempt) { settled(dispatch.attempt) }
                continue
            }
            switch declare(action.place, isUrgent: true) {
            case .faulty(let why): results[number] = .unavailable(why)
            case .wanted where line != nil:
                results[number] = .unavailable("what it needs on the bus is being made")
            case .wanted: results[number] = .away(trouble ?? "not connected to \(bus.address) yet")
            case .ready:
                var entry = BusRoster.Entry(attempt: dispatch.attempt.attempt, place: action.place)
                entry.isOut = true
                entry.mayBeOut = true
                settleLater(roster.add(dispatch.attempt, entry))
                sending.append((number, action))
            }
        }
        if !again.isEmpty { tell.yield(again) }
        guard !sending.isEmpty else { return results }
        guard let line else {
            let why = trouble ?? "not connected to \(bus.address)"
            for (number, _) in sending {
                results[number] = take(back: batch[number].attempt, .away(why), isCertain: true)
            }
            return results
        }
        let answers = await line.publish(sending.map(\.action))
        for ((number, action), answer) in zip(sending, answers) {
            let attempt = batch[number].attempt
            switch answer {
            case .confirmed:
                results[number] = .accepted
                settled(attempt)
            case .refused(let why): results[number] = take(back: attempt, .unavailable(why), isCertain: true)
            case .missing(let why):
                declare(anew: action.place)
                results[number] = take(back: attempt, .unavailable(why), isCertain: true)
            case .lost(let why): results[number] = take(back: attempt, .away(why), isCertain: false)
            }
        }
        return results
    }

    /// Notes that the bus has an attempt anew, or that nobody needs it any more.
    private func settled(_ attempt: AttemptID) {
        guard (doubted.remove(attempt) ?? recalled.remove(attempt)) != nil else { return }
        if doubted.isEmpty, recalled.isEmpty { wish?.yield() }
    }

    /// Notes that an attempt did not get through, as far as anybody knows; a worker may have it all the same, and say so.
    private func take(back attempt: AttemptID, _ result: DispatchResult, isCertain: Bool) -> DispatchResult {
        roster.take(back: attempt, isCertain: isCertain) ? .accepted : result
    }

    public func cancel(_ attempt: AttemptID, grace: Int64) async {
        if let place = roster.cancel(attempt) { owe(cancelOf: attempt, place) }
    }

    func owe(cancelOf attempt: AttemptID, _ place: JobPlace) {
        owedCancels[attempt] = place
        cancelWish?.yield()
    }

    /// Sends the cancels that are owed, as far as their places are there.
    func sendCancels() async {
        guard let line, !owedCancels.isEmpty else { return }
        let due = owedCancels.filter { places[$0.value] == .ready }
        guard !due.isEmpty else { return }
        let actions = due.map { (attempt: $0.key, action: BusAction(cancelling: $0.key, at: $0.value)) }
        for (attempt, _) in actions { owedCancels[attempt] = nil }
        let answers = await line.publish(actions.map(\.action))
        for ((attempt, action), answer) in zip(actions, answers) {
            switch answer {
            case .confirmed, .refused: break
            // They go out on the next line, unless somebody said that it is over.
            case .lost: if roster[attempt]?.end == nil { owedCancels[attempt] = action.place }
            case .missing:
                declare(anew: action.place)
                if roster[attempt]?.end == nil { owedCancels[attempt] = action.place }
            }
        }
    }

    public func acknowledge(_ attempts: [AttemptID]) async {
        var tags: [UInt64] = []
        for attempt in attempts {
            owedCancels[attempt] = nil
            settled(attempt)
            let (held, orphan) = roster.acknowledge(attempt)
            tags += held
            if let orphan { owe(cancelOf: orphan.attempt, orphan.place) }
        }
        await settle(tags)
    }

    public func abandon(_ attempts: [AttemptID]) async {
        for attempt in attempts {
            owedCancels[attempt] = nil
            settled(attempt)
        }
        let held = roster.abandon(attempts)
        if !held.isEmpty { try? await line?.settle(held.map { ($0, .giveBack) }) }
    }

    public func passedOn(_ attempts: [AttemptID]) async { await settle(attempts.compactMap { roster.passedOn($0) }) }

    public func heard(_ events: [DispatchEvent]) async {
        for event in events { roster.hear(event) }
    }

    public func noted(_ attempts: [AttemptID]) async { await settle(attempts.flatMap { roster.note($0) }) }

    public func forget(_ runs: [GoneRun]) async {}

    public func shutdown() async {
        isShut = true
        await line?.close()
        wish?.finish()
        cancelWish?.finish()
        tell.finish()
    }

    /// Counts what waits for the workers of jobs, and those who listen.
    public func queues(limit: Int) async -> [QueueDepth] {
        let ready = places.filter { $0.value == .ready }.keys.sorted { $0.name < $1.name }.prefix(limit)
        guard let line else { return [] }
        var found: [QueueDepth] = []
        for place in ready {
            guard let depth = try? await line.depth(of: place) else { continue }
            found.append(QueueDepth(name: "\(place.name).action", jobs: depth.waiting, workers: depth.workers))
        }
        return found
    }

    public func health() async -> DispatcherHealth {
        var health = DispatcherHealth(trouble: trouble)
        if let blockage = await line?.blockage {
            health.trouble = "\(bus.address) takes no messages: \(blockage)"
        }
        let faulty = places.compactMap { place, standing in
            if case .faulty(let why) = standing { "job '\(place.job)': \(why)" } else { nil as String? }
        }.sorted()
        health.warnings = Array(faulty.prefix(5))
        if faulty.count > 5 { health.warnings.append("and \(faulty.count - 5) more jobs") }
        let odd = BusRoster.Oddity.allCases.compactMap { oddity in
            roster.oddities[oddity].map { "\($0) \(oddity.rawValue)" }
        }
        if !odd.isEmpty { health.warnings.append("put aside of what workers told: \(odd.joined(separator: ", "))") }
        return health
    }

    // MARK: Deliveries

    func take(_ deliveries: [BusDelivery]) async {
        let now = clock.now
        var events: [DispatchEvent] = []
        var verdicts: [(tag: UInt64, verdict: BusVerdict)] = []
        for delivery in deliveries {
            if delivery.kind == .unheard {
                clear()
                if let place = newest[delivery.job] { declare(anew: place) }
                continue
            }
            let reaction = roster.take(delivery, at: now)
            if let event = reaction.event {
                events.append(event)
                // Whatever the bus has lost, this it has not.
                settled(event.attempt)
            }
            if let verdict = reaction.verdict { verdicts.append((delivery.tag, verdict)) }
            if let again = reaction.cancelAgain { owe(cancelOf: again.attempt, again.place) }
            if reaction.oddity == .malformed { report(malformed: delivery, now) }
        }
        if !events.isEmpty { tell.yield(events) }
        if !verdicts.isEmpty { try? await line?.settle(verdicts) }
    }

    /// Shows one message of many: `status` counts them.
    private func report(malformed delivery: BusDelivery, _ now: Timestamp) {
        let level: Logger.Level = if let restUntil = reportedUntil, now < restUntil { .debug } else { .warning }
        if level == .warning { reportedUntil = now.adding(microseconds: Self.reportPause) }
        logger.log(
            level: level, "a message of a worker makes no sense",
            metadata: [
                "job": "\(delivery.job)",
                "message": "\(String(decoding: delivery.body.prefix(200), as: UTF8.self))",
            ])
    }

    private func settle(_ tags: [UInt64]) async {
        if !tags.isEmpty { try? await line?.settle(tags.map { ($0, .accept) }) }
    }

    /// Settles on the line that the tags are of, whatever comes after it.
    private func settleLater(_ tags: [UInt64]) {
        guard !tags.isEmpty, let line else { return }
        Task { try? await line.settle(tags.map { ($0, .accept) }) }
    }

    // MARK: Places

    func want() {
        isWanted = true
        wish?.yield()
    }

    /// Has a place made that is not there yet; one that the bus did not like is tried again when a run wants it.
    @discardableResult
    func declare(_ place: JobPlace, isUrgent: Bool) -> Standing {
        gone.remove(place.job)
        let old = newest.updateValue(place, forKey: place.job)
        if old != nil && old != place || guessed.remove(place.job) != nil {
            roster.move(to: place)
            if let old, old != place { places[old] = nil }
            for (attempt, old) in owedCancels where old.job == place.job { owedCancels[attempt] = place }
        }
        let standing = places[place]
        if standing == .ready || standing != nil && !isUrgent { return standing ?? .wanted }
        if standing == nil { places[place] = .wanted }
        if isUrgent { toDeclare.append(place) } else { toDeclare.prepend(place) }
        want()
        return places[place] ?? .wanted
    }

    /// Has a place made anew of which something is gone.
    private func declare(anew place: JobPlace) {
        places[place] = nil
        declare(place, isUrgent: true)
    }
}

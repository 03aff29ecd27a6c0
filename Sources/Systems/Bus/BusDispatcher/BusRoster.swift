import CarillonCore
import Timetable

/// The attempts that workers have, or will get, and what their words mean: no bus, no clock.
struct BusRoster: Sendable {
    struct Entry: Sendable {
        var attempt: Int
        var place: JobPlace
        /// It went out, as far as anybody knows.
        var isOut = false
        /// It went out, and nobody has said that it did not get there.
        var mayBeOut = false
        var isStarted = false
        /// The ledger has the start.
        var isNoted = false
        var isCancelling = false
        /// As a worker told it, until the ledger has it.
        var end: DispatchEvent.What?
        /// Deliveries that wait for the ledger.
        var held: [UInt64] = []
    }

    /// What of a worker's word was no news; each is counted.
    enum Oddity: String, CaseIterable, Sendable {
        case malformed
        case unknownRun = "of unknown runs"
        case unknownStatus = "of no status"
        case oldAttempt = "of old attempts"
        case early = "before their run started"
        case repeated
    }

    /// What follows from a delivery. Without a verdict it is held until the ledger has what it says.
    struct Reaction {
        var verdict: BusVerdict?
        var event: DispatchEvent?
        /// A worker does what somebody had cancelled.
        var cancelAgain: (attempt: AttemptID, place: JobPlace)?
        var oddity: Oddity?
    }

    /// Others have runs, too, of which nothing is known here.
    private let isShared: Bool
    private(set) var entries: [RunID: Entry] = [:]
    /// Deliveries of such runs, until whoever has them was told.
    private var strangers: [RunID: [UInt64]] = [:]
    /// The runs of `entries` by their jobs.
    private var runs: [String: Set<RunID>] = [:]
    private(set) var oddities: [Oddity: Int] = [:]
    /// Attempts whose workers never said how they ended, the oldest first, and that may still say something.
    private var left: [RunID: Left] = [:]
    private var leftOrder: [RunID] = []

    private struct Left {
        var attempt: Int
        var place: JobPlace
        /// The run is over; of one that is not, the next attempt is about to go out.
        var isOver: Bool
        /// When its worker was told last that it is over.
        var toldAt: Timestamp?
    }

    private static let mostLeft = 10_000
    /// Microseconds until somebody who goes on with what is over is told so again.
    private static let patience: Int64 = 30_000_000

    init(isShared: Bool = false) { self.isShared = isShared }

    subscript(attempt: AttemptID) -> Entry? {
        entries[attempt.run].flatMap { $0.attempt == attempt.attempt ? $0 : nil }
    }

    /// Takes the place of an older attempt, whose deliveries the ledger has by now: they are answered.
    mutating func add(_ attempt: AttemptID, _ entry: Entry) -> [UInt64] {
        let old = entries[attempt.run]
        put(entry, of: attempt.run)
        return old?.held ?? []
    }

    private mutating func put(_ entry: Entry, of run: RunID) {
        entries[run] = entry
        runs[entry.place.job, default: []].insert(run)
    }

    private mutating func remove(_ attempt: AttemptID) -> Entry? {
        guard let entry = self[attempt] else { return nil }
        entries[attempt.run] = nil
        runs[entry.place.job]?.remove(attempt.run)
        if runs[entry.place.job]?.isEmpty == true { runs[entry.place.job] = nil }
        return entry
    }

    mutating func take(_ delivery: BusDelivery, at now: Timestamp) -> Reaction {
        let reaction = reaction(to: delivery, now)
        if let oddity = reaction.oddity { oddities[oddity, default: 0] += 1 }
        return reaction
    }

    private mutating func reaction(to delivery: BusDelivery, _ now: Timestamp) -> Reaction {
        guard let word = WorkerWord(delivery) else { return Reaction(verdict: .discard, oddity: .malformed) }
        guard var entry = entries[word.run] ?? successor(of: word.run) else {
            if isShared, left[word.run] == nil { return pass(on: word, delivery, now) }
            var reaction = Reaction(verdict: .accept, oddity: .unknownRun)
            if let gone = left[word.run], gone.isOver,
                word.status == .running || delivery.kind == .heartbeat && Self.isTime(since: gone.toldAt, now)
            {
                left[word.run]?.toldAt = now
                reaction.cancelAgain = (AttemptID(run: word.run, attempt: word.attempt ?? gone.attempt), gone.place)
            }
            return reaction
        }
        if let attempt = word.attempt, attempt != entry.attempt {
            return Reaction(verdict: .accept, oddity: .oldAttempt)
        }
        let attempt = AttemptID(run: word.run, attempt: entry.attempt)
        func event(_ what: DispatchEvent.What) -> DispatchEvent {
            // A start counts for the attempt that is out: of the next one nobody here would hear the end.
            let isEnd = if case .started = what { false } else { true }
            return DispatchEvent(attempt: attempt, isOfRun: word.attempt == nil && isEnd, at: now, what: what)
        }
        if entry.end != nil {
            // The ledger may not have the end yet, and this be the only message that says it after a crash.
            entries[word.run]?.held.append(delivery.tag)
            return Reaction(oddity: delivery.isRepeated ? nil : .repeated)
        }
        guard delivery.kind == .status else {
            guard entry.isStarted else { return Reaction(verdict: .accept, oddity: .early) }
            return Reaction(verdict: .accept, event: event(.heartbeat))
        }
        guard let status = word.status else { return Reaction(verdict: .accept, oddity: .unknownStatus) }
        var reaction = Reaction()
        switch status {
        case .running:
            if entry.isCancelling { reaction.cancelAgain = (attempt, entry.place) }
            if entry.isStarted {
                if !delivery.isRepeated { reaction.oddity = .repeated }
                if entry.isNoted {
                    reaction.verdict = .accept
                    return reaction
                }
            } else {
                entry.isStarted = true
                reaction.event = event(.started(nil))
            }
        case .completed, .failed, .cancelled: entry.end = Self.end(status, word)
        }
        if let end = entry.end { reaction.event = event(end) }
        entry.held.append(delivery.tag)
        put(entry, of: word.run)
        return reaction
    }

    /// Passes on what a worker tells of a run that is not known here: somebody else has it, or had it.
    private mutating func pass(on word: WorkerWord, _ delivery: BusDelivery, _ now: Timestamp) -> Reaction {
        func event(_ what: DispatchEvent.What) -> DispatchEvent {
            DispatchEvent(
                attempt: AttemptID(run: word.run, attempt: word.attempt ?? 1), isOfRun: word.attempt == nil, at: now,
                what: what)
        }
        guard delivery.kind == .status else { return Reaction(verdict: .accept, event: event(.heartbeat)) }
        guard let status = word.status else { return Reaction(verdict: .accept, oddity: .unknownStatus) }
        strangers[word.run, default: []].append(delivery.tag)
        return Reaction(event: event(status == .running ? .started(nil) : Self.end(status, word)))
    }

    private static func end(_ status: WorkerWord.Status, _ word: WorkerWord) -> DispatchEvent.What {
        switch status {
        case .failed: .failed(Outcome(error: word.error ?? "its worker says that it failed"))
        case .cancelled: .cancelled(Outcome())
        case .completed, .running: .succeeded(Outcome())
        }
    }

    /// Somebody else was told the oldest word of a run that is not known here; answers its delivery.
    mutating func passedOn(_ attempt: AttemptID) -> UInt64? {
        guard var tags = strangers.removeValue(forKey: attempt.run) else { return nil }
        let first = tags.removeFirst()
        if !tags.isEmpty { strangers[attempt.run] = tags }
        return first
    }

    /// Takes in what another instance has heard of an attempt, and the ledger is about to have.
    mutating func hear(_ event: DispatchEvent) {
        let run = event.attempt.run
        guard var entry = entries[run], event.isOfRun || entry.attempt == event.attempt.attempt, entry.end == nil else {
            return
        }
        switch event.what {
        case .started: (entry.isStarted, entry.isNoted) = (true, true)
        case .succeeded, .failed, .cancelled, .lost: entry.end = event.what
        default: return
        }
        entries[run] = entry
    }

    /// Forgets attempts that somebody else has from now on; answers the deliveries that are to go back.
    mutating func abandon(_ attempts: [AttemptID]) -> [UInt64] { attempts.flatMap { remove($0)?.held ?? [] } }

    /// The ledger has the start of an attempt; answers the deliveries that waited for it.
    mutating func note(_ attempt: AttemptID) -> [UInt64] {
        guard var entry = self[attempt] else { return [] }
        entry.isNoted = true
        // Words of the end may be among them already.
        let settled = entry.end == nil ? entry.held : []
        if entry.end == nil { entry.held = [] }
        entries[attempt.run] = entry
        return settled
    }

    /// The ledger has the end of an attempt; answers the deliveries that waited for it, and an attempt whose worker works for
    /// nobody since.
    mutating func acknowledge(_ attempt: AttemptID) -> (tags: [UInt64], orphan: (attempt: AttemptID, place: JobPlace)?)
    {
        let entry = remove(attempt)
        // Words of it that came before anybody here knew it say nothing more.
        if let tags = strangers.removeValue(forKey: attempt.run) { return (tags + (entry?.held ?? []), nil) }
        if let entry {
            if entry.end != nil {
                left[attempt.run] = nil
                return (entry.held, nil)
            }
            if entry.isOut || entry.isNoted {
                remember(attempt, entry)
                return (entry.held, nil)
            }
        }
        // An attempt that nobody took ends only with its run. A silent worker may still have the one before.
        let before = left[attempt.run].flatMap { $0.attempt < attempt.attempt && !$0.isOver ? $0 : nil }
        if before != nil { left[attempt.run]?.isOver = true }
        if let entry, entry.mayBeOut { remember(attempt, entry) }
        return (
            entry?.held ?? [],
            before.map { (AttemptID(run: attempt.run, attempt: $0.attempt), $0.place) }
        )
    }

    /// What a word without an attempt speaks of while the next attempt is not out yet.
    private func successor(of run: RunID) -> Entry? {
        guard let left = left[run], !left.isOver else { return nil }
        return Entry(attempt: left.attempt + 1, place: left.place)
    }

    private static func isTime(since told: Timestamp?, _ now: Timestamp) -> Bool {
        told.map { $0.adding(microseconds: patience) <= now || $0 > now } ?? true
    }

    private mutating func remember(_ attempt: AttemptID, _ entry: Entry) {
        let new = Left(
            attempt: attempt.attempt, place: entry.place,
            // One that waits for the bus ends only with its run.
            isOver: entry.isCancelling || !entry.isOut && !entry.isNoted)
        if left.updateValue(new, forKey: attempt.run) == nil { leftOrder.append(attempt.run) }
        if leftOrder.count > Self.mostLeft {
            for run in leftOrder.prefix(Self.mostLeft / 2) { left[run] = nil }
            leftOrder.removeFirst(Self.mostLeft / 2)
        }
    }

    /// The line is lost: what was delivered over it comes again.
    mutating func forgetDeliveries() {
        strangers = [:]
        for run in entries.keys { entries[run]?.held = [] }
    }

    /// Notes that an attempt did not get through, as far as anybody knows; if that is not certain, it may have. Answers whether
    /// a worker has it all the same, and said so.
    mutating func take(back attempt: AttemptID, isCertain: Bool) -> Bool {
        guard let entry = self[attempt], !entry.isStarted, entry.end == nil else { return true }
        entries[attempt.run]?.isOut = false
        if isCertain { entries[attempt.run]?.mayBeOut = false }
        return false
    }

    /// Notes that somebody wants an attempt to end; answers where its worker is told so, nil for one that has ended, or is not
    /// there.
    mutating func cancel(_ attempt: AttemptID) -> JobPlace? {
        guard let entry = self[attempt], entry.end == nil else { return nil }
        entries[attempt.run]?.isCancelling = true
        return entry.place
    }

    func isBusy(_ job: String) -> Bool { runs[job] != nil }

    /// Lists what is out at such places, as far as anybody knows.
    func outstanding(where isMeant: (JobPlace) -> Bool) -> [AttemptID] {
        runs.values.flatMap { runs in
            // A job has one place.
            guard let place = runs.first.flatMap({ entries[$0] })?.place, isMeant(place) else { return [AttemptID]() }
            return outstanding(among: runs)
        }
    }

    /// Lists what is out of a job.
    func outstanding(of job: String) -> [AttemptID] { outstanding(among: runs[job] ?? []) }

    private func outstanding(among runs: Set<RunID>) -> [AttemptID] {
        runs.compactMap { run in
            guard let entry = entries[run], entry.isOut || entry.isStarted, entry.end == nil else { return nil }
            return AttemptID(run: run, attempt: entry.attempt)
        }
    }

    /// Puts a job's attempts where the job is now.
    mutating func move(to place: JobPlace) {
        for run in runs[place.job] ?? [] { entries[run]?.place = place }
        for (run, gone) in left where gone.place.job == place.job { left[run]?.place = place }
    }

    /// Lists what went out, and of which nobody has said that it started; in its order.
    func unstarted() -> [AttemptID] { unstarted(among: entries.keys) }

    func unstarted(of job: String) -> [AttemptID] { unstarted(among: runs[job] ?? []) }

    private func unstarted(among runs: some Sequence<RunID>) -> [AttemptID] {
        runs.compactMap { run in
            guard let entry = entries[run], entry.isOut, !entry.isStarted, entry.end == nil else { return nil }
            return AttemptID(run: run, attempt: entry.attempt)
        }.sorted { $0.run < $1.run }
    }

    /// Takes back what went out; a worker may have got it all the same, and say so.
    mutating func recall(_ attempts: [AttemptID]) {
        for attempt in attempts where self[attempt] != nil { entries[attempt.run]?.isOut = false }
    }
}

package import CarillonCore
import CarillonEngine
import Synchronization
import Timetable

/// The last changes that this instance has written, for streams: each has a number, and a stream goes on after one.
package final class EventLog: Sendable {
    /// What changed.
    enum Event: Sendable {
        case run(RunChange)
        case skip(Skip)
        case job(String)

        var job: String {
            switch self {
            case .run(let run): run.job
            case .skip(let skip): skip.job
            case .job(let name): name
            }
        }

        /// A run that was opened or moved on: as much of it as is told.
        struct RunChange: Sendable, Encodable {
            let job: String
            let run: RunID
            let state: RunState
            let trigger: Trigger
            let attempt: Int
            let scheduledAt: Timestamp
            let startedAt: Timestamp?
            let endedAt: Timestamp?

            init(_ run: Run) {
                job = run.job
                self.run = run.id
                state = run.state
                trigger = run.trigger
                attempt = run.attempt
                scheduledAt = run.scheduledAt
                startedAt = run.startedAt
                endedAt = run.endedAt
            }
        }

        var kind: EventKind {
            switch self {
            case .run: .run
            case .skip: .skip
            case .job: .job
            }
        }
    }

    private struct State {
        /// Places of the last ones, the oldest overwritten first; and which of them this instance did not write itself.
        var events: [Event] = []
        var strange: Set<Int64> = []
        /// Of the next event; the first is 0.
        var next: Int64 = 0
        var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
        var lastWaiter = 0
        /// Whether anybody has read events since that was last asked.
        var isRead = false
    }

    /// Events that are kept.
    static let most: Int64 = 10_000

    /// Tells events of this process from those of another, whose numbers say nothing here.
    let life: String
    private let state = Mutex(State())

    /// Makes an empty one; `life` is drawn for each.
    package init(life: UInt64) { self.life = String(life, radix: 16) }

    /// Takes events in, which this instance has written or another one; never waits.
    package func note(_ change: LedgerChange, byOthers: Bool = false) {
        let events: [Event] =
            switch change {
            case .runs(let runs): runs.suffix(Int(Self.most)).map { .run(Event.RunChange($0)) }
            case .skips(let skips): skips.suffix(Int(Self.most)).map { .skip($0) }
            case .jobs(let names): names.suffix(Int(Self.most)).map { .job($0) }
            }
        let waiting = state.withLock { state in
            for event in events {
                if state.next < Self.most {
                    state.events.append(event)
                } else {
                    state.events[Int(state.next % Self.most)] = event
                }
                if byOthers {
                    state.strange.insert(state.next)
                } else if !state.strange.isEmpty {
                    state.strange.remove(state.next - Self.most)
                }
                state.next += 1
            }
            return state.waiting
        }
        for waiter in waiting.values { waiter.yield() }
    }

    /// Whether anybody waits for an event, or has read some since this was last asked.
    func isHeard() -> Bool {
        state.withLock { state in
            defer { state.isRead = false }
            return state.isRead || !state.waiting.isEmpty
        }
    }

    /// What this instance has written itself, as far as that is kept.
    struct Own {
        var runs: Set<OthersLook.Place> = []
        var skips: Set<Skip> = []
        /// Since an event.
        var jobs: Set<String> = []
        /// The number of the next event.
        var next: Int64
    }

    func own(from number: Int64) -> Own {
        state.withLock { state in
            var own = Own(next: state.next)
            for place in (state.next - Int64(state.events.count))..<state.next where !state.strange.contains(place) {
                switch state.events[Int(place % Self.most)] {
                case .skip(let skip): own.skips.insert(skip)
                case .job(let name): if place >= number { own.jobs.insert(name) }
                case .run(let run):
                    own.runs.insert(OthersLook.Place(run: run.run, state: run.state, attempt: run.attempt))
                }
            }
            state.strange = state.strange.filter { $0 >= state.next - Self.most }
            return own
        }
    }

    /// The number of the next event.
    var end: Int64 { state.withLock { $0.next } }

    /// The numbers of events that are kept.
    package var kept: Range<Int64> { state.withLock { $0.next - Int64($0.events.count)..<$0.next } }

    /// Answers events from a number on, at most `limit`, and the number after the last; nil when they are no longer kept, or
    /// never were there.
    func events(from number: Int64, limit: Int) -> (events: [Event], next: Int64)? {
        state.withLock { state in
            state.isRead = true
            guard number <= state.next, number >= state.next - Int64(state.events.count) else { return nil }
            let next = min(state.next, number + Int64(limit))
            return ((number..<next).map { state.events[Int($0 % Self.most)] }, next)
        }
    }

    /// Returns once there is an event of this number, or the task is cancelled.
    func until(_ number: Int64) async {
        let (news, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let waiter = state.withLock { state -> Int? in
            guard state.next <= number else { return nil }
            state.lastWaiter += 1
            state.waiting[state.lastWaiter] = continuation
            return state.lastWaiter
        }
        guard let waiter else { return }
        for await _ in news { break }
        state.withLock { _ = $0.waiting.removeValue(forKey: waiter) }
    }
}

/// What an event is about.
enum EventKind: String, CaseIterable, Codable {
    case run, skip, job
}

/// Times that did not run.
struct SkipEvent: Codable {
    var job: String
    var reason: SkipReason
    var after: Timestamp
    var through: Timestamp
}

/// A job that was added, changed or removed.
struct JobEvent: Codable {
    var job: String
}

extension EventLog.Event {
    /// The body, as JSON.
    var json: String {
        get throws {
            switch self {
            case .run(let run): try PublicJSON.encode(run)
            case .skip(let skip):
                try PublicJSON.encode(
                    SkipEvent(job: skip.job, reason: skip.reason, after: skip.after, through: skip.through))
            case .job(let name): try PublicJSON.encode(JobEvent(job: name))
            }
        }
    }
}

import CarillonCore
import Synchronization

/// The attempts that are under way, as far as this process knows.
final class RunningAttempts: Sendable {
    struct Entry: Sendable {
        /// Tells it from an earlier entry of the same attempt.
        let number: UInt64
        var job: String
        var shim: Shim
        /// Its start was told.
        var isAnnounced = false
        /// A cancel that came before the shim could be asked.
        var cancelGrace: Int64?
    }

    enum Entrance {
        case entered, present, full
    }

    private let entries = Mutex<[AttemptID: Entry]>([:])
    private let entered = Atomic<UInt64>(0)

    var count: Int { entries.withLock { $0.count } }

    /// All attempts under way.
    var attempts: [AttemptID] { entries.withLock { Array($0.keys) } }

    func enter(_ attempt: AttemptID, job: String, shim: Shim, capacity: Int = .max) -> Entrance {
        entries.withLock { entries in
            if entries[attempt] != nil { return .present }
            if entries.count >= capacity { return .full }
            entries[attempt] = Entry(
                number: entered.add(1, ordering: .relaxed).newValue, job: job, shim: shim)
            return .entered
        }
    }

    /// Notes the attempt's shim, which is known now; a cancel that waited for that goes out.
    func settle(_ attempt: AttemptID, as shim: Shim) {
        entries.withLock { entries in
            guard let entry = entries[attempt] else { return }
            entries[attempt]?.shim = shim
            if let grace = entry.cancelGrace, shim.terminate(grace: grace) { entries[attempt]?.cancelGrace = nil }
        }
    }

    /// Cancels under the same lock as `leave`, so that a shim that was reaped is never meant.
    func cancel(_ attempt: AttemptID, grace: Int64) {
        entries.withLock { entries in
            guard let entry = entries[attempt], !entry.shim.terminate(grace: grace) else { return }
            entries[attempt]?.cancelGrace = min(grace, entry.cancelGrace ?? grace)
        }
    }

    /// Answers true once: then the caller tells that the attempt has started.
    func announce(_ attempt: AttemptID) -> Bool {
        entries.withLock { entries in
            guard entries[attempt]?.isAnnounced == false else { return false }
            entries[attempt]?.isAnnounced = true
            return true
        }
    }

    func entry(_ attempt: AttemptID) -> Entry? { entries.withLock { $0[attempt] } }

    /// Takes back an entry whose shim never came to be; nobody else touches it before that.
    func giveBack(_ attempt: AttemptID) { entries.withLock { $0[attempt] = nil } }

    /// Gives the entry that was looked at to one caller only, who tells its end; nil when it is another's by now.
    func leave(_ attempt: AttemptID, _ known: Entry) -> Entry? {
        entries.withLock { entries in
            entries[attempt]?.number == known.number ? entries.removeValue(forKey: attempt) : nil
        }
    }
}

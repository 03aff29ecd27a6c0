public import Timetable

/// Where a run stands. Only `RunMachine` moves it.
public enum RunState: String, Hashable, Sendable, Codable, CaseIterable {
    case pending, running, cancelling, cancelled, failed, completed, skipped

    public var isFinal: Bool {
        switch self {
        case .pending, .running, .cancelling: false
        case .cancelled, .failed, .completed, .skipped: true
        }
    }
}

/// What opened a run.
public enum Trigger: String, Hashable, Sendable, Codable, CaseIterable {
    case schedule, catchUp, manual, boot, backfill

    /// Somebody asked for it: no policy for times that come by themselves passes it over.
    public var isOrdered: Bool { self == .manual || self == .backfill }
}

/// Why a run is not simply the one of its time.
public enum Cause: Hashable, Sendable, Codable {
    /// Its time had passed without a run, for this reason.
    case missed(SkipReason, detail: String?)
    /// Another run had this time before.
    case repeats(RunID)
    /// Somebody asked for it under a key of theirs, of which this is the digest: asking again under the same one opens no other.
    case asked(String)
}

extension Cause {
    /// Makes the cause of what is asked for under a key.
    public static func asked(under key: String) -> Cause {
        let digest = [UInt64(0), 1].map { part in
            let text = String(StableHash.hash(key.utf8, seed: part), radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return .asked(digest.joined())
    }
}

/// A process as the kernel names it without doubt: number, start time and boot.
public struct ProcessIdentity: Hashable, Sendable, Codable {
    public var pid: Int32
    /// Clock ticks since boot, from `/proc/PID/stat` (proc(5), field 22).
    public var startTicks: UInt64
    /// `/proc/sys/kernel/random/boot_id`.
    public var bootID: String

    public init(pid: Int32, startTicks: UInt64, bootID: String) {
        self.pid = pid
        self.startTicks = startTicks
        self.bootID = bootID
    }
}

/// How an attempt ended, as its executor tells it.
public struct Outcome: Hashable, Sendable, Codable {
    public var exitCode: Int32?
    public var signal: Int32?
    public var error: String?
    /// The last lines of the output, kept for failures.
    public var outputTail: String?

    public init(exitCode: Int32? = nil, signal: Int32? = nil, error: String? = nil, outputTail: String? = nil) {
        self.exitCode = exitCode
        self.signal = signal
        self.error = error
        self.outputTail = outputTail
    }
}

/// One earlier try of a run, kept when another follows.
public struct EndedAttempt: Hashable, Sendable, Codable {
    public var attempt: Int
    public var startedAt: Timestamp?
    public var endedAt: Timestamp
    public var outcome: Outcome
    /// It fell silent, or was never started, and went out again: no try that counts. Nil for false, which an older release did not write.
    public var wasSilent: Bool?

    public init(
        attempt: Int, startedAt: Timestamp?, endedAt: Timestamp, outcome: Outcome, wasSilent: Bool? = nil
    ) {
        self.attempt = attempt
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.outcome = outcome
        self.wasSilent = wasSilent
    }
}

/// A wait for a dispatcher that was out of reach.
public struct Hold: Hashable, Sendable, Codable {
    public var since: Timestamp
    /// When the dispatcher took it; nil while it waits.
    public var until: Timestamp?
    public var why: String

    public init(since: Timestamp, until: Timestamp? = nil, why: String) {
        self.since = since
        self.until = until
        self.why = why
    }
}

/// The record of one occurrence.
public struct Run: Hashable, Sendable, Codable {
    public var id: RunID
    public var jobID: JobID
    public var job: String
    /// The job's revision that opened it.
    public var revision: Int64
    public var trigger: Trigger
    /// Why it is there, where its trigger alone does not say.
    public var cause: Cause?
    /// The nominal time; for a manual run the time of the order, or that of the run it repeats.
    public var scheduledAt: Timestamp
    /// Not dispatched before this: jitter, a retry's wait, a catch-up's rate.
    public var notBefore: Timestamp
    public var state: RunState
    /// Counts from 1.
    public var attempt: Int
    public var createdAt: Timestamp
    public var dispatchedAt: Timestamp?
    public var startedAt: Timestamp?
    public var endedAt: Timestamp?
    public var heartbeatAt: Timestamp?
    /// The name of who opened it, or handed it over last.
    public var instance: String?
    /// The count of the term that it was opened under, as the ledger has it; what is recorded afterwards leaves it as it is.
    public var term: Int64?
    /// What its present attempt was handed over on (`InstanceFacts.id`), where it lives there and others share the store.
    public var machine: String?
    public var process: ProcessIdentity?
    public var outcome: Outcome
    /// Why it is where it is, in words, when its state alone does not say.
    public var reason: String?
    /// Its dispatcher was out of reach when the present attempt was to go out.
    public var held: Hold?
    public var earlier: [EndedAttempt]
    /// What somebody who asked for it gave along.
    public var arguments: [String: String]?

    public init(
        id: RunID, jobID: JobID, job: String, revision: Int64, trigger: Trigger, scheduledAt: Timestamp,
        notBefore: Timestamp? = nil, createdAt: Timestamp, instance: String? = nil, reason: String? = nil,
        cause: Cause? = nil, arguments: [String: String]? = nil
    ) {
        self.id = id
        self.jobID = jobID
        self.job = job
        self.revision = revision
        self.trigger = trigger
        self.scheduledAt = scheduledAt
        self.notBefore = notBefore ?? scheduledAt
        self.state = .pending
        self.attempt = 1
        self.createdAt = createdAt
        self.instance = instance
        self.outcome = Outcome()
        self.reason = reason
        self.cause = cause
        self.earlier = []
        self.arguments = arguments
    }

    /// Whether it ended, and not as its owner wanted: it failed, or a time-out had it cancelled.
    public var hasFailed: Bool { state == .failed || state == .cancelled && outcome.error != nil }

    /// How often it went out again after a silence.
    public var republications: Int {
        // Of very many only some are kept.
        earlier.count { $0.wasSilent ?? false } + max(0, attempt - 1 - earlier.count)
    }

    /// The tries that its retries are counted by.
    var tries: Int { attempt - republications }

    /// The occurrence's time for the store's unique key; nil for a manual run and for one that repeats another.
    public var occurrence: Timestamp? {
        if trigger == .manual { return nil }
        if case .repeats = cause { return nil }
        return scheduledAt
    }
}

/// One attempt of a run, as dispatchers and their executors name it.
public struct AttemptID: Hashable, Sendable, Codable, CustomStringConvertible {
    public var run: RunID
    public var attempt: Int

    public init(run: RunID, attempt: Int) {
        self.run = run
        self.attempt = attempt
    }

    public init?(_ text: some StringProtocol) {
        guard text.utf8.count > 25, text.utf8.dropFirst(24).first == UInt8(ascii: "-"),
            let run = RunID(text.prefix(24)), let attempt = Int(text.dropFirst(25)), attempt > 0
        else { return nil }
        self.init(run: run, attempt: attempt)
    }

    public var description: String { "\(run)-\(attempt)" }

    /// Names it to whatever gathers traces (W3C Trace Context, `traceparent`): one trace for all attempts of a run, the same each time
    /// it is asked.
    public var traceparent: String {
        func digits(_ number: UInt64, _ count: Int) -> String {
            let text = String(number, radix: 16)
            return String(repeating: "0", count: max(0, count - text.count)) + text.suffix(count)
        }
        let span = StableHash.hash(description.utf8)
        let rest = StableHash.hash(run.description.utf8) & 0xffff_ffff
        // All zeros is none.
        return "00-\(run)\(digits(max(rest, 1), 8))-\(digits(max(span, 1), 16))-01"
    }

    /// Hashes the run alone: one attempt follows another, and two are seldom in one table.
    public func hash(into hasher: inout Hasher) { hasher.combine(run) }
}

extension AttemptID {
    /// The name under which it goes out to others: the run's id, with the attempt's number from the second on.
    public var sentName: String { attempt == 1 ? run.description : description }

    public init?(sentName text: some StringProtocol) {
        if let run = RunID(text) {
            self.init(run: run, attempt: 1)
        } else {
            self.init(text)
        }
    }
}

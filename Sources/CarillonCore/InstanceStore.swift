public import Timetable

/// The right of an instance to write what concerns its shards; each write names it, and is refused once it is not in force.
///
/// Under one term the shards of an instance grow and never shrink: whoever gives one takes a new term in the same step. So what an
/// instance wrote of a shard stands in the store before the next holder reads it, and nothing comes after.
public struct Term: Hashable, Sendable {
    public var instance: InstanceNumber
    /// Grows with each term of any instance.
    public var count: Int64
    /// Drawn for each: a server that has lost its last commits may count the same twice.
    public var nonce: UInt64

    public init(instance: InstanceNumber, count: Int64, nonce: UInt64) {
        self.instance = instance
        self.count = count
        self.nonce = nonce
    }
}

/// What an instance says of itself.
public struct InstanceFacts: Hashable, Sendable, Codable {
    /// Of its state directory, drawn once: it stays when the number changes.
    public var id: String
    public var name: String
    public var host: String
    /// Of the machine's boot: a copy of the state directory on another machine has another one.
    public var boot: String
    public var roles: Set<String>
    /// What it may hold besides shares of the jobs.
    public var labels: Set<String>
    /// Jobs at most; 0 for as many as there are.
    public var mostJobs: Int
    /// How long it may be silent before it is ended, in microseconds.
    public var lease: Int64
    public var build: String
    /// It takes nothing more, and gives what it has.
    public var isLeaving = false
    /// By how many microseconds its wall clock is ahead of the store's, as far as it knows.
    public var clockError: Int64 = 0
    /// It plans every job itself, and nobody joins beside it.
    public var isAlone = false
    /// The version of its time-zone database.
    public var zones = ""
    /// What it holds back, as `Pause` writes it: nothing older is on its way out any more.
    public var pauses = ""

    public init(
        id: String, name: String, host: String, boot: String = "", roles: Set<String> = [Self.scheduler],
        labels: Set<String> = [],
        mostJobs: Int = 0, lease: Int64, build: String = ""
    ) {
        self.id = id
        self.name = name
        self.host = host
        self.boot = boot
        self.roles = roles
        self.labels = labels
        self.mostJobs = mostJobs
        self.lease = lease
        self.build = build
    }

    /// The role of those who plan jobs.
    public static let scheduler = "scheduler"
    /// The role of those who see to what is everybody's, such as retention.
    public static let custodian = "custodian"

    /// Whether it has a role.
    public func does(_ role: String) -> Bool { roles.contains(role) }

    /// Reads what any build has written: what it does not say is as it would be for one that knows nothing of it.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, _ missing: Value) throws -> Value {
            try fields.decodeIfPresent(Value.self, forKey: key) ?? missing
        }
        self.init(
            id: try fields.decode(String.self, forKey: .id), name: try read(.name, ""), host: try read(.host, ""),
            boot: try read(.boot, ""),
            roles: try read(.roles, []), labels: try read(.labels, []), mostJobs: try read(.mostJobs, 0),
            lease: try fields.decode(Int64.self, forKey: .lease), build: try read(.build, ""))
        isLeaving = try read(.isLeaving, false)
        clockError = try read(.clockError, 0)
        isAlone = try read(.isAlone, false)
        zones = try read(.zones, "")
        pauses = try read(.pauses, "")
    }
}

/// An instance as the store has it.
public struct InstanceRecord: Hashable, Sendable {
    public var number: InstanceNumber
    public var facts: InstanceFacts
    /// Nil for one that has left, or was ended: its number never comes back.
    public var term: Term?
    /// Its last sign of life; it never goes back.
    public var beat: Int64
    /// How long ago that came, in microseconds on the store's clock: for people, and nothing is decided by it.
    public var silence: Int64?

    public init(number: InstanceNumber, facts: InstanceFacts, term: Term?, beat: Int64, silence: Int64? = nil) {
        self.number = number
        self.facts = facts
        self.term = term
        self.beat = beat
        self.silence = silence
    }

    /// How many numbers one that is gone is kept for, so that people see it.
    public static let mostKept: Int64 = 1_000

    /// Whether it is in force and has not been silent for longer than it may.
    public var isHeard: Bool { term != nil && silence.map { $0 <= facts.lease } ?? true }
}

/// A shard as the store has it.
public struct ShardRecord: Hashable, Sendable {
    public var shard: Shard
    /// Nil for a share of the jobs.
    public var label: String?
    /// Who had it last, in force or not; nil when it was given to nobody.
    public var holder: InstanceNumber?
    /// Grows with each change of the holder.
    public var epoch: Int64
    /// How many jobs stand in it, where that was asked for.
    public var jobs: Int

    public init(shard: Shard, label: String? = nil, holder: InstanceNumber?, epoch: Int64 = 0, jobs: Int = 0) {
        self.shard = shard
        self.label = label
        self.holder = holder
        self.epoch = epoch
        self.jobs = jobs
    }
}

/// A shard that is to change hands, if it still is as it was read.
public struct ShardMove: Hashable, Sendable {
    public var shard: Shard
    public var from: InstanceNumber?
    public var epoch: Int64
    /// Nil for nobody.
    public var to: InstanceNumber?

    public init(_ record: ShardRecord, to: InstanceNumber?) {
        shard = record.shard
        from = record.holder
        epoch = record.epoch
        self.to = to
    }
}

/// Word from one instance to another, kept until it was acted on.
public struct Mail: Hashable, Sendable {
    /// Whose it is: whoever holds a shard, or the machine with a state directory's id.
    public enum Recipient: Hashable, Sendable {
        case shard(Shard)
        /// The shard that a job stands in when this is posted.
        case job(JobID)
        case machine(String)
    }

    /// Grows; set by the store.
    public var number: Int64
    public var to: Recipient
    /// One word for what it is; one that a build does not know stays for another build.
    public var kind: String
    /// JSON.
    public var body: String

    public init(number: Int64 = 0, to: Recipient, kind: String, body: String) {
        self.number = number
        self.to = to
        self.kind = kind
        self.body = body
    }
}

extension Mail {
    /// What mail says, as far as this build knows it.
    public enum Word: Hashable, Sendable {
        /// Definitions of these jobs were changed, or are new.
        case changed([JobID])
        /// Somebody asked for these runs.
        case opened([RunID])
        /// Somebody wants a run to end.
        case cancel(RunID, reason: String)
        /// What an executor tells of runs whose shards another instance has.
        case told([DispatchEvent])
        /// Some of a feed is worth reading again: these jobs.
        case read(feed: String, [String])
        /// A feed is right as it is, although much of it is gone.
        case accept(feed: String)
        /// To a machine: its instance is to give what it has, and to take nothing more; or to take its part again.
        case drain(Bool)
        /// To a machine: these runs left the ledger, and what is kept of them there may go too.
        case forget([GoneRun])
        /// To a machine: an attempt that is under way there is to end.
        case end(AttemptID)
    }

    private struct Cancel: Codable {
        var run: String
        var reason: String
    }

    /// Nil for what another build has written.
    public var word: Word? {
        switch kind {
        case "changed": (try? JSONText.decode([Int32].self, body)).map { .changed($0.map { JobID($0) }) }
        case "opened": (try? JSONText.decode([String].self, body)).map { .opened($0.compactMap { RunID($0) }) }
        case "cancel":
            (try? JSONText.decode(Cancel.self, body)).flatMap { cancel in
                RunID(cancel.run).map { .cancel($0, reason: cancel.reason) }
            }
        case "told": (try? JSONText.decode([DispatchEvent].self, body)).map { .told($0) }
        case "read":
            (try? JSONText.decode([String].self, body)).flatMap { words in
                words.first.map { .read(feed: $0, Array(words.dropFirst())) }
            }
        case "accept": .accept(feed: body)
        case "drain": .drain(body == "true")
        case "forget": (try? JSONText.decode([GoneRun].self, body)).map { .forget($0) }
        case "end": AttemptID(body).map { .end($0) }
        default: nil
        }
    }

    public init(to recipient: Recipient, _ word: Word) {
        switch word {
        case .changed(let jobs):
            self.init(
                to: recipient, kind: "changed", body: "[" + jobs.map { "\($0.number)" }.joined(separator: ",") + "]")
        case .opened(let runs):
            self.init(to: recipient, kind: "opened", body: "[" + runs.map { "\"\($0)\"" }.joined(separator: ",") + "]")
        case .cancel(let run, let reason):
            // Two texts: they can be written.
            let body = try? JSONText.encode(Cancel(run: "\(run)", reason: reason))
            self.init(to: recipient, kind: "cancel", body: body ?? "")
        case .told(let events):
            self.init(to: recipient, kind: "told", body: (try? JSONText.encode(events)) ?? "")
        case .read(let feed, let jobs):
            self.init(to: recipient, kind: "read", body: (try? JSONText.encode([feed] + jobs)) ?? "")
        case .accept(let feed): self.init(to: recipient, kind: "accept", body: feed)
        case .drain(let isOn): self.init(to: recipient, kind: "drain", body: "\(isOn)")
        case .forget(let runs): self.init(to: recipient, kind: "forget", body: (try? JSONText.encode(runs)) ?? "")
        case .end(let attempt):
            self.init(to: recipient, kind: "end", body: "\(attempt)")
        }
    }

    /// Tells those who hold the shards of these jobs that they were changed: one word for each shard.
    public static func changed(_ jobs: [StoredJob]) -> [Mail] {
        // Their numbers alone are moved about: definitions may be large.
        var byShard: [Shard: Set<JobID>] = [:]
        for job in jobs { byShard[job.shard, default: []].insert(job.id) }
        return byShard.sorted { $0.key < $1.key }.map { Mail(to: .shard($0), .changed($1.sorted())) }
    }

    /// Tells those who hold the shards of these runs' jobs that they were opened.
    public static func opened(_ runs: [Run]) -> [Mail] {
        let byJob = Dictionary(grouping: runs, by: \.jobID).sorted { $0.key < $1.key }
        return byJob.map { Mail(to: .job($0), .opened($1.map(\.id))) }
    }
}

/// What the files of a machine say of a job.
public struct Declaration: Hashable, Sendable {
    /// `InstanceFacts.id`.
    public var machine: String
    public var job: String
    /// The file.
    public var source: String
    /// Of the definition.
    public var digest: UInt64
    /// The machine says so still.
    public var isCurrent: Bool

    public init(machine: String, job: String, source: String, digest: UInt64, isCurrent: Bool = true) {
        self.machine = machine
        self.job = job
        self.source = source
        self.digest = digest
        self.isCurrent = isCurrent
    }
}

/// What an instance reads of shards that it was given, before it plans anything of them.
public struct Taken: Hashable, Sendable {
    public var cursors: [JobCursor]
    /// Those that are not final.
    public var runs: [Run]

    public init(cursors: [JobCursor], runs: [Run]) {
        self.cursors = cursors
        self.runs = runs
    }
}

/// What an instance hears of the others in one look.
public struct News: Hashable, Sendable {
    /// Every instance of which something is still there, by their numbers.
    public var instances: [InstanceRecord]
    /// Grows whenever a shard changes hands.
    public var holdings: Int64
    /// Grows with each change of any note.
    public var notes: Int64
    /// What there is for it, the oldest first.
    public var mail: [Mail]
    /// The store's own clock, where it has one: for a warning, and nothing is decided by it but who is to have shares at all.
    public var clock: Timestamp?

    public init(
        instances: [InstanceRecord], holdings: Int64, notes: Int64, mail: [Mail], clock: Timestamp? = nil
    ) {
        self.instances = instances
        self.holdings = holdings
        self.notes = notes
        self.mail = mail
        self.clock = clock
    }
}

/// What the instances that share a store know of each other: who is there, who has which shard, and what one tells another.
///
/// Nothing is decided by a clock of the store, and none is compared with another: a beat is a number, and whoever watches judges it
/// by its own clock.
/// All calls throw `StoreError`, `leaseLost` for a term that is not in force.
public protocol InstanceStore: Sendable {
    /// Whether several instances may be in force at once.
    ///
    /// In a store of one alone, whoever joins ends the one before, has every share of the jobs, and nobody else is there to be
    /// told anything: what concerns others does nothing.
    var isShared: Bool { get }

    /// Begins a life. Whoever's last one is still in force goes on under its number, with the shards it has and a new term; all
    /// others get a number that was never there, and have nothing.
    func join(_ facts: InstanceFacts, nonce: UInt64) async throws -> Term
    /// Leaves a sign of life. The count never goes back, whichever of two that were sent comes first.
    func beat(_ term: Term, count: Int64) async throws
    /// Says anew what it says of itself.
    func describe(_ facts: InstanceFacts, under term: Term) async throws
    /// Reads every instance of which something is still there, by their numbers.
    func instances() async throws -> [InstanceRecord]
    /// Removes what is kept of an instance that is not in force, with the mail for its machine.
    func forget(_ id: String) async throws
    /// Reads what is new, with the mail for these shards and for the machine with this id.
    func news(for shards: Set<Shard>, machine: String) async throws -> News
    /// Ends an instance if it has not beaten since: a term and a beat as they were seen. Answers whether it did.
    func end(_ instance: InstanceNumber, term: Int64, beat: Int64) async throws -> Bool

    /// Reads every shard, in order; with how many jobs stand in each when these are to be counted.
    func shards(counting: Bool) async throws -> [ShardRecord]
    /// Answers the shard of a label, which is made when there is none.
    func shard(labelled label: String) async throws -> Shard
    /// Gives shards of nobody in force to somebody in force; a move that is not right any more is left out.
    func deal(_ moves: [ShardMove]) async throws
    /// Gives shards of one's own away and takes a new term in the same step. What was sent twice with one nonce is done once. A
    /// shard whose taker is not in force any more is kept.
    func give(_ moves: [ShardMove], under term: Term, nonce: UInt64) async throws -> Term
    /// Reads what stands in shards of one's own. Whoever was given them reads all that an earlier holder wrote.
    func take(_ shards: Set<Shard>, under term: Term) async throws -> Taken
    /// Ends one's own life; the shards stay under a number that is not in force, for others to deal.
    func leave(_ term: Term) async throws

    /// Reads what a machine's files say, or have said.
    func declarations(by machine: String) async throws -> [Declaration]
    /// Reads what any machine's files say of these jobs, or have said.
    func declarations(of jobs: [String]) async throws -> [Declaration]
    /// Writes what a machine's files say; what it has said of a job before is not current any more.
    func declare(_ declarations: [Declaration]) async throws

    func post(_ mail: [Mail]) async throws
    /// Removes mail that was acted on, under the term under which it was read: then whoever read it had the shard.
    func done(_ mail: [Int64], under term: Term) async throws
}

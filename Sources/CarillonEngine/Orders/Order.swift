public import CarillonCore
public import Timetable

/// What a person or a program may ask of Carillon, over whatever channel.
public enum Order: Sendable, Codable {
    // Questions: answered from the store, with or without a daemon.
    /// Jobs as views, or as lines of `PublicJSON`, which is much the faster where there are many and nobody looks inside.
    case jobs(JobQuery, asLines: Bool = false)
    case job(String)
    /// All of a job's definition, as its owner gave it.
    case definition(String)
    case runs(RunQuery)
    /// A run by its id or by the beginning of it.
    case run(String)
    case why(job: String, time: String?)
    case feeds
    /// Who works with the store.
    case instances
    case audits(AuditQuery)
    case agenda(AgendaQuery)
    case forecast(ForecastQuery)
    /// The newest times of each of these jobs, at most so many, and what became of them.
    case recent([String], limit: Int)
    /// How many runs ended in the hours from one moment's to another's.
    case hours(from: Timestamp, until: Timestamp)
    /// The times that a backfill would run.
    case missed(BackfillQuery)
    /// The tokens of programs.
    case tokens
    /// Operations on many jobs or runs, the newest first, or the one whose id begins so.
    case operations(String? = nil)

    // For a daemon alone.
    /// Whether it answers.
    case ping
    case status
    /// What waits where workers take their runs from.
    case queues
    /// What a run wrote, from this byte on.
    case output(run: String, from: Int64)
    /// Adds a job, or with `replacing` changes one that is there; with a revision only as long as that is the last one.
    case put(Job, replacing: Bool, revision: Int64? = nil)
    case delete(String)
    case enable(String, Bool)
    /// Ends a job's runs now.
    case stop(String)
    /// Ends a job's runs now, and then opens one.
    case restart(String)
    /// Lets a job go on that halted after a failure.
    case resolve(String)
    /// Has a job skip a time that is to come, its next one without, or takes that back. The time is RFC 3339, or a local one in
    /// the job's zone.
    case skip(String, at: String? = nil, Bool)
    /// Opens a run of a job now, with what its worker is to be given along; under a key once, however often it is asked for.
    case start(String, arguments: [String: String] = [:], key: String? = nil)
    /// Opens another run of a job for the scheduled time of one that has ended, named by its id or the beginning of it.
    case retry(String)
    /// Opens runs for times of a job that are past, so many a second; without a rate all at once.
    case backfill(job: String, [BackfillTime], rate: Double?)
    case cancel(String)
    /// Holds all dispatching back, or that of the jobs with one of these tags, perhaps for so many microseconds only.
    case pause(reason: String, length: Int64? = nil, tags: [String] = [])
    /// Goes on, with everything or with these tags.
    case resume(tags: [String] = [])
    case acceptFeed(String)
    /// Has an instance give all that it has and take nothing more, or take its part again.
    case drain(String, Bool)
    /// Forgets an instance that does not come back, with the jobs that only its files have.
    case forgetInstance(String)
    /// Lets whoever knows a secret do what the token says.
    case addToken(AccessToken)
    case revokeToken(String)
    /// Reads the settings again.
    case reload
    /// Does something with many jobs or runs at once.
    case operate(OperationRequest)
    case cancelOperation(String)
    /// Takes back what an operation did.
    case undo(String)
}

extension Order {
    /// Whether it changes nothing.
    public var isQuestion: Bool {
        switch self {
        case .jobs, .job, .definition, .runs, .run, .why, .feeds, .instances, .audits, .agenda, .forecast, .recent,
            .hours, .missed, .tokens, .operations, .ping, .status, .queues, .output:
            true
        case .put, .delete, .enable, .stop, .restart, .resolve, .skip, .start, .retry, .backfill, .cancel, .pause,
            .resume, .acceptFeed, .drain, .forgetInstance, .addToken, .revokeToken, .reload,
            .operate, .cancelOperation, .undo:
            false
        }
    }
}

extension Order {
    /// A word for what it does.
    public var action: String { trace.action }

    /// Names what it does and to what, for the trail of orders.
    var trace: (action: String, subject: String?) {
        switch self {
        case .put(let job, let replacing, _): (replacing ? "update" : "add", job.name)
        case .delete(let name): ("delete", name)
        case .enable(let name, let isOn): (isOn ? "enable" : "disable", name)
        case .stop(let name): ("stop", name)
        case .restart(let name): ("restart", name)
        case .resolve(let name): ("resolve", name)
        case .skip(let name, _, let isOn): (isOn ? "skip" : "unskip", name)
        case .start(let name, _, _): ("run", name)
        case .retry(let run): ("retry", run)
        case .backfill(let name, _, _): ("backfill", name)
        case .cancel(let run): ("cancel", run)
        case .pause(_, _, let tags): ("pause", Self.words(of: tags))
        case .resume(let tags): ("resume", Self.words(of: tags))
        case .acceptFeed(let name): ("accept", name)
        case .drain(let name, let isOn): (isOn ? "drain" : "undrain", name)
        case .forgetInstance(let name): ("forget", name)
        case .addToken(let token): ("add token", token.name)
        case .revokeToken(let name): ("revoke token", name)
        case .reload: ("reload", nil)
        case .operate(let request): ("operate", "\(request.action.rawValue): \(request.choice.words)")
        case .cancelOperation(let id): ("cancel operation", id)
        case .undo(let id): ("undo", id)
        case .jobs, .job, .definition, .runs, .run, .why, .feeds, .instances, .audits, .agenda, .forecast, .recent,
            .hours, .missed, .tokens, .operations, .ping, .status, .queues, .output:
            ("ask", nil)
        }
    }

    private static func words(of tags: [String]) -> String? {
        switch tags.count {
        case 0: nil
        case 1: "tag \(tags[0])"
        default: "tags \(tags.joined(separator: ", "))"
        }
    }

    /// Whether who may only look may ask it: a whole definition may hold secrets.
    public var isForOnlookers: Bool {
        switch self {
        case .definition, .tokens: false
        default: isQuestion
        }
    }

    /// Whether an action of this word, in the trail of orders, changes the job that is its subject.
    public static func changesJobs(_ action: String) -> Bool {
        ["add", "update", "delete", "enable", "disable", "resolve", "skip", "unskip"].contains(action)
    }

    /// Whether its subject is a job.
    var concernsJob: Bool {
        switch self {
        case .put, .delete, .enable, .stop, .restart, .resolve, .skip, .start, .backfill: true
        default: false
        }
    }
}

/// Who gives an order, as far as the channel knows.
public struct Caller: Hashable, Sendable {
    public var user: String?
    /// What the order came over, for people.
    public var channel: String
    /// The address that it came from.
    public var from: String?

    public init(user: String? = nil, channel: String, from: String? = nil) {
        self.user = user
        self.channel = channel
        self.from = from
    }
}

/// Jobs as lines of `PublicJSON`. The lines follow the reply: they go over a channel as they stand.
public struct JobLines: Sendable, Codable {
    public let count: Int
    /// The name of the last job.
    public let last: String?
    /// Each ended by a newline.
    public let bytes: [UInt8]

    private enum CodingKeys: CodingKey { case count, last }

    public init(count: Int, last: String?, bytes: [UInt8]) {
        self.count = count
        self.last = last
        self.bytes = bytes
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            count: try fields.decode(Int.self, forKey: .count),
            last: try fields.decodeIfPresent(String.self, forKey: .last), bytes: [])
    }
}

/// The answer to an order.
public enum Reply: Sendable, Codable {
    /// `total` is how many there are beyond the limit, where it was reached.
    case jobs([JobView], total: Int? = nil)
    case lines(JobLines)
    case definition(Job, revision: Int64)
    case runs([RunView])
    case why(WhyView)
    case feeds([FeedView])
    /// With how many jobs nobody plans.
    case instances([InstanceView], orphans: Int)
    case audits([AuditEntry])
    /// The first coming times, and whether there are more.
    case agenda([AgendaView], isCut: Bool)
    case forecast(ForecastView)
    case recent([RecentView])
    case hours([HourView])
    case status(StatusView)
    case queues([QueueView])
    /// Some of what a run wrote, base64, and where it goes on; nothing at the end of what there is.
    case output(String, next: Int64)
    /// Carried out; a sentence for a person.
    case done(String)
    /// A run was opened; the note says what stands in its way, or is unusual about it.
    case started(RunView, note: String? = nil)
    /// The run that was opened when the same was asked for before, under the same key.
    case repeated(RunView)
    case missed([BackfillView])
    case tokens([AccessToken])
    case operations([OperationView])
    /// The same of several, oldest first.
    case backfilled([RunView], note: String?)
    case failed(code: String, message: String)
}

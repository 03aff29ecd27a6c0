public import CarillonCore
import Timetable

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
    case audits(AuditQuery)
    case agenda(AgendaQuery)

    // For a daemon alone.
    /// Whether it answers.
    case ping
    case status
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
    case start(String)
    /// Opens another run of a job for the scheduled time of one that has ended, named by its id or the beginning of it.
    case retry(String)
    case cancel(String)
    /// Holds all dispatching back, perhaps for so many microseconds only.
    case pause(reason: String, length: Int64? = nil)
    case resume
    case acceptFeed(String)
    /// Reads the settings again.
    case reload
}

extension Order {
    /// Whether it changes nothing.
    public var isQuestion: Bool {
        switch self {
        case .jobs, .job, .definition, .runs, .run, .why, .feeds, .audits, .agenda, .ping, .status: true
        case .put, .delete, .enable, .stop, .restart, .resolve, .start, .retry, .cancel, .pause, .resume, .acceptFeed,
            .reload:
            false
        }
    }
}

extension Order {
    /// Names what it does and to what, for the trail of orders.
    var trace: (action: String, subject: String?) {
        switch self {
        case .put(let job, let replacing, _): (replacing ? "update" : "add", job.name)
        case .delete(let name): ("delete", name)
        case .enable(let name, let isOn): (isOn ? "enable" : "disable", name)
        case .stop(let name): ("stop", name)
        case .restart(let name): ("restart", name)
        case .resolve(let name): ("resolve", name)
        case .start(let name): ("run", name)
        case .retry(let run): ("retry", run)
        case .cancel(let run): ("cancel", run)
        case .pause: ("pause", nil)
        case .resume: ("resume", nil)
        case .acceptFeed(let name): ("accept", name)
        case .reload: ("reload", nil)
        case .jobs, .job, .definition, .runs, .run, .why, .feeds, .audits, .agenda, .ping, .status: ("ask", nil)
        }
    }

    /// Whether its subject is a job.
    var concernsJob: Bool {
        switch self {
        case .put, .delete, .enable, .stop, .restart, .resolve, .start: true
        default: false
        }
    }
}

/// Who gives an order, as far as the channel knows.
public struct Caller: Hashable, Sendable {
    public var user: String?
    /// What the order came over, for people.
    public var channel: String

    public init(user: String? = nil, channel: String) {
        self.user = user
        self.channel = channel
    }
}

/// The answer to an order.
public enum Reply: Sendable, Codable {
    /// `total` is how many there are beyond the limit, where it was reached.
    case jobs([JobView], total: Int? = nil)
    /// Jobs as lines, and the name of the last.
    case lines([String], last: String?)
    case definition(Job, revision: Int64)
    case runs([RunView])
    case why(WhyView)
    case feeds([FeedView])
    case audits([AuditEntry])
    /// The first coming times, and whether there are more.
    case agenda([AgendaView], isCut: Bool)
    case status(StatusView)
    /// Carried out; a sentence for a person.
    case done(String)
    /// A run was opened; the note says what stands in its way, or is unusual about it.
    case started(RunView, note: String? = nil)
    case failed(code: String, message: String)
}

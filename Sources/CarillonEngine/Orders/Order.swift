public import CarillonCore
import Timetable

/// What a person or a program may ask of Carillon, over whatever channel.
public enum Order: Sendable, Codable {
    // Questions: answered from the store, with or without a daemon.
    case jobs(JobQuery)
    case job(String)
    /// All of a job's definition, as its owner gave it.
    case definition(String)
    case runs(RunQuery)
    /// A run by its id or by the beginning of it.
    case run(String)
    case why(job: String, time: String?)
    case feeds

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
    case cancel(String)
    case pause(reason: String)
    case resume
    case acceptFeed(String)
}

extension Order {
    /// Whether it changes nothing.
    public var isQuestion: Bool {
        switch self {
        case .jobs, .job, .definition, .runs, .run, .why, .feeds, .ping, .status: true
        case .put, .delete, .enable, .stop, .restart, .resolve, .start, .cancel, .pause, .resume, .acceptFeed: false
        }
    }
}

/// The answer to an order.
public enum Reply: Sendable, Codable {
    /// `total` is how many there are beyond the limit, where it was reached.
    case jobs([JobView], total: Int? = nil)
    case definition(Job, revision: Int64)
    case runs([RunView])
    case why([String])
    case feeds([FeedView])
    case status(StatusView)
    /// Carried out; a sentence for a person.
    case done(String)
    /// A run was opened.
    case started(RunView)
    case failed(code: String, message: String)
}

public import CarillonCore
import Timetable

/// What a person or a program may ask of Carillon, over whatever channel.
public enum Order: Sendable, Codable {
    // Questions: answered from the store, with or without a daemon.
    case jobs(after: String?, limit: Int)
    case job(String)
    case runs(RunQuery)
    /// A run by its id or by the beginning of it.
    case run(String)
    case why(job: String, time: String?)
    case feeds

    // For a daemon alone.
    case status
    /// Adds a job, or with `replacing` changes one that is there.
    case put(Job, replacing: Bool)
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

/// The answer to an order.
public enum Reply: Sendable, Codable {
    case jobs([JobView])
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

import CarillonCore
import FoundationEssentials
import Timetable

/// An action as workers read it: Simple Scheduler's three fields first, and after them what Carillon adds.
struct ActionBody: Encodable {
    enum Action: String, Encodable {
        case run, cancel
    }

    var jobName: String
    var runId: String
    var action: Action
    var attempt: Int
    /// RFC 3339; a cancel has none.
    var scheduledAt: String?
    var arguments: [String: String]?

    private enum Key: CodingKey { case jobName, runId, action, attempt, scheduledAt, arguments }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(jobName, forKey: .jobName)
        try fields.encode(runId, forKey: .runId)
        try fields.encode(action, forKey: .action)
        try fields.encode(attempt, forKey: .attempt)
        if let scheduledAt { try fields.encode(scheduledAt, forKey: .scheduledAt) }
        if let arguments { try fields.encode(arguments, forKey: .arguments) }
    }
}

extension BusAction {
    /// Asks workers to do an attempt.
    init(_ dispatch: Dispatch<BusTarget>) {
        self.init(
            place: JobPlace(job: dispatch.job, topology: dispatch.target.topology), attempt: dispatch.attempt,
            ActionBody(
                jobName: dispatch.job, runId: "\(dispatch.attempt.run)", action: .run,
                attempt: dispatch.attempt.attempt,
                scheduledAt: dispatch.scheduledAt.description, arguments: dispatch.arguments))
    }

    /// Asks the worker that has an attempt to end it.
    init(cancelling attempt: AttemptID, at place: JobPlace) {
        self.init(
            place: place, attempt: attempt,
            ActionBody(jobName: place.job, runId: "\(attempt.run)", action: .cancel, attempt: attempt.attempt))
    }

    private init(place: JobPlace, attempt: AttemptID, _ body: ActionBody) {
        // Text, whole numbers: there is nothing that JSON could not write.
        let json = (try? PublicJSON.encode(body)) ?? "{}"
        self.init(
            place: place, id: attempt.sentName, traceparent: attempt.traceparent, body: Array(json.utf8))
    }
}

/// What a worker says of a run.
struct WorkerWord: Hashable, Sendable {
    enum Status: String {
        case running, failed, completed, cancelled
    }

    var run: RunID
    /// Nil for a heartbeat, and for a status that is none of a worker's.
    var status: Status?
    /// Workers of Simple Scheduler's kind send none.
    var attempt: Int?
    /// Why it failed.
    var error: String?

    private struct Body: Decodable {
        var jobName: String
        var runId: String
        var status: String?
        var attempt: Int?
        var error: String?
    }

    /// Reads a message about a job; nil for what is none. A longer error is cut.
    init?(_ delivery: BusDelivery) {
        guard delivery.body.count <= Self.longest,
            let body = try? Self.decoder.decode(Body.self, from: Data(delivery.body)),
            body.jobName == delivery.job, let run = RunID(body.runId),
            (body.status == nil) == (delivery.kind == .heartbeat)
        else { return nil }
        self.run = run
        status = body.status.flatMap(Status.init)
        attempt = body.attempt
        error = body.error.map { String($0.prefix(Self.longestError)) }
    }

    private static let decoder = JSONDecoder()
    /// Bytes of a message that is looked into.
    private static let longest = 1 << 20
    private static let longestError = 4_096
}

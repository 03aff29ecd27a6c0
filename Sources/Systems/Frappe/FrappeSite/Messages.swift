/// What `get_pickled_task` is asked; a task without a schedule has null there.
struct TaskQuery: Encodable {
    var task: String
    var schedule: String?

    private enum CodingKeys: String, CodingKey {
        case task = "task_id"
        case schedule = "task_schedule_id"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(task, forKey: .task)
        try container.encode(schedule, forKey: .schedule)
    }
}

/// `{"message": [128, 5, …]}`.
struct PickleAnswer: Decodable { var message: [UInt8] }

/// `{"message": "pong"}`.
struct PingAnswer: Decodable { var message: String }

/// What Frappe puts into the body of an error.
struct Complaint: Decodable {
    var exception: String?
    var type: String?

    private enum CodingKeys: String, CodingKey {
        case exception
        case type = "exc_type"
    }

    var words: String? {
        guard let text = exception ?? type else { return nil }
        let line = text.split(whereSeparator: \.isNewline).last.map(String.init) ?? text
        return line.count > 300 ? line.prefix(299) + "…" : line
    }
}

extension FrappeSiteError.Code {
    /// No answer in time; to the caller of `pickle` it is `failing` or `away`.
    static let slow = FrappeSiteError.Code(name: "slow")
}

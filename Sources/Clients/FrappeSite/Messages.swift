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

extension FrappeSiteError {
    /// Asking again may help.
    var mayPass: Bool { [.away, .failing, .slow].contains(code) }
}

extension FrappeSiteError.Code {
    /// An error on the server's side, perhaps of this request alone.
    static let failing = FrappeSiteError.Code(name: "failing")
    /// No answer in time, perhaps to this request alone.
    static let slow = FrappeSiteError.Code(name: "slow")
}

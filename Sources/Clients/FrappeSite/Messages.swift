/// What `get_pickled_task` is asked; a task without a schedule has null there.
struct TaskQuery: Encodable {
    var task_id: String
    var task_schedule_id: String?

    private enum CodingKeys: CodingKey { case task_id, task_schedule_id }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(task_id, forKey: .task_id)
        try container.encode(task_schedule_id, forKey: .task_schedule_id)
    }
}

/// `{"message": [128, 5, …]}`.
struct PickleAnswer: Decodable { var message: [UInt8] }

/// `{"message": "pong"}`.
struct PingAnswer: Decodable { var message: String }

/// What Frappe puts into the body of an error.
struct Complaint: Decodable {
    var exception: String?
    var exc_type: String?

    var words: String? {
        guard let text = exception ?? exc_type else { return nil }
        let line = text.split(whereSeparator: \.isNewline).last.map(String.init) ?? text
        return line.count > 300 ? line.prefix(299) + "…" : line
    }
}

extension FrappeSiteError.Code {
    /// An error on the server's side, perhaps of this request alone.
    static let failing = FrappeSiteError.Code(name: "failing")
    /// No answer in time, perhaps to this request alone.
    static let slow = FrappeSiteError.Code(name: "slow")
}

import FrappeLog
import Synchronization

/// A log in memory that can be away, and that may refuse a row.
final class Recording: LogTable {
    struct Away: Error {}

    private struct State {
        var rows: [LogRow] = []
        var isAway = false
        var refused: String?
    }

    private let state = Mutex(State())

    var rows: [LogRow] { state.withLock { $0.rows } }

    var isAway: Bool {
        get { state.withLock { $0.isAway } }
        set { state.withLock { $0.isAway = newValue } }
    }

    /// A row of this name is refused.
    var refused: String? {
        get { state.withLock { $0.refused } }
        set { state.withLock { $0.refused = newValue } }
    }

    func form() async throws -> LogForm {
        if isAway { throw Away() }
        return LogForm(
            columns: ["name", "schedule", "result_message"].map { LogForm.Column($0, type: "varchar", longest: 140) },
            zone: "America/New_York")
    }

    func insert(_ row: LogRow) async throws {
        try state.withLock { state in
            if state.isAway || row["name"] == state.refused { throw Away() }
            if !state.rows.contains(where: { $0["name"] == row["name"] }) { state.rows.append(row) }
        }
    }

    func close() async {}
}

extension LogRow {
    subscript(column: String) -> String? { fields.first { $0.column == column }?.text }
}

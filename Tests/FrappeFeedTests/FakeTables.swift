import FrappeFeed
import Synchronization

/// Tables in memory, that can be away.
final class FakeTables: FrappeTables {
    struct Away: Error {}

    private struct State {
        var rows: [String: FrappeRow] = [:]
        var isAway = false
    }

    private let state = Mutex(State())

    var isAway: Bool {
        get { state.withLock { $0.isAway } }
        set { state.withLock { $0.isAway = newValue } }
    }

    func put(_ name: String, cron: String, modified: String, enabled: Bool = true) {
        var row = FrappeRow(name: name, modified: modified, enabled: enabled)
        (row.frequency, row.cron, row.task) = ("Cron Style", cron, "TASK-0001")
        row.taskRow = FrappeRow.Task(function: "tasks.note")
        state.withLock { $0.rows[name] = row }
    }

    func rows<Made: Sendable>(
        named names: [String]?, _ make: @escaping @Sendable (FrappeRow, FrappeZones) -> Made
    ) async throws -> [Made] {
        if isAway { throw Away() }
        let rows = state.withLock { $0.rows.values.filter { names?.contains($0.name) ?? true } }
        return rows.map { make($0, FrappeZones(cron: "America/New_York", site: "America/New_York")) }
    }

    func modified(named names: [String]) async throws -> [String: String] {
        if isAway { throw Away() }
        return state.withLock { $0.rows.filter { names.contains($0.key) }.compactMapValues(\.modified) }
    }

    func tasks() async throws -> [FrappeTask] { [] }
    func check() async throws { if isAway { throw Away() } }
    func close() async {}
}

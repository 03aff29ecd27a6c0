import CarillonCore
import Timetable

/// Orders about many jobs or runs at once.
extension OrderService {
    /// Operations that are not ended.
    private static var mostAtOnce: Int { 10 }
    /// Runs that are counted beforehand.
    private static var mostCounted: Int { 10_000 }

    private var operations: OperationStore { OperationStore(in: engine.store) }

    func operate(_ request: OperationRequest, _ caller: Caller) async throws -> OperationView {
        let total = try await count(request.choice)
        if let expected = request.expected, total != expected {
            let now = total.map { "\($0)" } ?? "more than \(Self.mostCounted)"
            throw OrderError(.refused, "there are \(now) by now, not \(expected); look again")
        }
        guard total != 0 else { throw OrderError(.refused, "there is none of these") }
        return try await begin(request.action, request.choice, total, rate: request.perSecond, caller)
    }

    /// Begins to take back what an operation did.
    func undo(_ text: String, _ caller: Caller) async throws -> OperationView {
        let all = try await operations.all()
        let entry = try await operations.entry(text)
        let operation = entry.operation
        guard operation.action.isUndoable else {
            throw OrderError(.refused, "there is no way back from \(operation.action.rawValue)")
        }
        guard let progress = entry.progress, progress.end != nil else {
            throw OrderError(.refused, "operation \(operation.id) goes on; cancel it first")
        }
        guard !all.contains(where: { $0.undoes(operation.id) }) else {
            throw OrderError(.refused, "operation \(operation.id) is undone already")
        }
        guard case .jobs(let query) = operation.choice else { throw OrderError(.refused, "it is of runs") }
        // Their names are as they were; their tags and states may be others.
        let choice = BulkOperation.Choice.jobs(JobQuery(names: query.names))
        return try await begin(
            .undo, choice, try await count(choice),
            undoes: BulkOperation.Undone(id: operation.id, action: operation.action, orderedAt: operation.orderedAt),
            caller)
    }

    func cancelOperation(_ text: String, _ caller: Caller) async throws -> String {
        let entry = try await operations.entry(text)
        guard entry.isUnfinished else {
            throw OrderError(.refused, "operation \(entry.operation.id) has ended")
        }
        try await operations.cancel(entry.operation, by: caller.user ?? caller.channel)
        engine.operationAlarm.ring()
        return "operation \(entry.operation.id) is being cancelled; what it did stays until it is undone"
    }

    private func begin(
        _ action: BulkOperation.Action, _ choice: BulkOperation.Choice, _ total: Int?, rate: Double? = nil,
        undoes: BulkOperation.Undone? = nil, _ caller: Caller
    ) async throws -> OperationView {
        guard try await operations.all().count(where: \.isUnfinished) < Self.mostAtOnce else {
            throw OrderError(.refused, "\(Self.mostAtOnce) operations go on already; wait for one, or cancel it")
        }
        let now = engine.clock.now
        let operation = BulkOperation(
            id: RunID(manualAt: now, random: UInt64.random(in: 0...UInt64.max)).description, action: action,
            choice: choice, undoes: undoes, perSecond: rate, total: total, user: caller.user, channel: caller.channel,
            orderedAt: now)
        try await operations.add(operation)
        engine.operationAlarm.ring()
        return OperationView(OperationStore.Entry(operation: operation), isUndone: false)
    }

    private func count(_ choice: BulkOperation.Choice) async throws -> Int? {
        switch choice {
        case .jobs(let query): return try await engine.store.count(query)
        case .runs(var query):
            query.limit = Self.mostCounted + 1
            let found = try await engine.store.runs(query).count
            return found > Self.mostCounted ? nil : found
        }
    }
}

extension QueryService {
    /// Answers the operations that are kept, the newest first, or the one whose id begins so.
    func operations(_ text: String?) async throws -> [OperationView] {
        let operations = OperationStore(in: store)
        let all = try await operations.all()
        let undone = Set(all.lazy.compactMap(\.operation.undoes?.id).filter { id in all.contains { $0.undoes(id) } })
        guard let text else {
            return all.reversed().map { OperationView($0, isUndone: undone.contains($0.operation.id)) }
        }
        let entry = try await operations.entry(text)
        return [OperationView(entry, isUndone: undone.contains(entry.operation.id))]
    }
}

extension OperationRequest {
    /// Answers the same request, names in their one spelling. Throws `OrderError` of code `bad` for what makes no sense.
    func checked() throws(OrderError) -> OperationRequest {
        var request = self
        if let perSecond, !(perSecond > 0 && perSecond <= 1_000) {
            throw OrderError(.bad, "per_second: expected more than 0, up to 1000")
        }
        switch request.choice {
        case .jobs(var query):
            guard action.isOfJobs else { throw OrderError(.bad, "\(action.rawValue) is nothing to do with jobs") }
            try Order.check(query)
            query.names = query.names.map(Job.canonical)
            request.choice = .jobs(query)
        case .runs(var query):
            guard [.retry, .cancel].contains(action) else {
                throw OrderError(.bad, "\(action.rawValue) is nothing to do with runs")
            }
            query.job = query.job.map(Job.canonical)
            if query.states.isEmpty {
                query.states = action == .retry ? [.failed] : [.pending, .running, .cancelling]
            }
            guard query.states.allSatisfy({ $0 != .skipped && $0.isFinal == (action == .retry) }) else {
                let which = action == .retry ? "have ended can be run again" : "go on can be cancelled"
                throw OrderError(.bad, "state: only runs that \(which)")
            }
            request.choice = .runs(query)
        }
        return request
    }
}

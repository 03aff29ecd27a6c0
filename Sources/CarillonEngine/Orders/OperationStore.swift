import CarillonCore
import Timetable

/// Operations as a store keeps them: three notes each, of which each has one writer, so that nobody overwrites what another says.
struct OperationStore: Sendable {
    /// One of them, and what is known of it.
    struct Entry: Sendable {
        var operation: BulkOperation
        /// Nil before somebody has begun with it.
        var progress: BulkOperation.Progress?
        /// Who had it end early.
        var cancelledBy: String?

        var isUnfinished: Bool { progress?.end == nil }
        /// Whether it undoes another one, or has: one that was cancelled may be ordered again.
        func undoes(_ id: String) -> Bool {
            operation.undoes?.id == id && cancelledBy == nil && progress?.end != .cancelled
        }
    }

    private static let prefix = "operation."
    private static let progress = ".progress"
    private static let cancel = ".cancel"

    private let store: any JobStore

    init(in store: any JobStore) { self.store = store }

    /// Reads all, the oldest first. What another release wrote in another way is left out: nobody begins again with what may be
    /// half done. Throws `StoreError`.
    func all() async throws -> [Entry] { Self.entries(try await store.notes(withPrefix: Self.prefix)) }

    /// Removes these, and what an earlier removal has left behind. Whatever is left of one is nothing that anybody takes up.
    func remove(_ ids: [String]) async throws {
        for id in ids { try await store.setNote(Self.prefix + id, nil) }
        let notes = try await store.notes(withPrefix: Self.prefix)
        for key in notes.keys {
            for end in [Self.progress, Self.cancel]
            where key.hasSuffix(end) && notes[String(key.dropLast(end.count))] == nil {
                try await store.setNote(key, nil)
            }
        }
    }

    private static func entries(_ notes: [String: String]) -> [Entry] {
        notes.compactMap { key, text -> Entry? in
            guard !key.hasSuffix(progress), !key.hasSuffix(cancel),
                let operation = try? JSONText.decode(BulkOperation.self, text)
            else { return nil }
            var entry = Entry(operation: operation, cancelledBy: notes[key + cancel])
            if let text = notes[key + progress] {
                guard let progress = try? JSONText.decode(BulkOperation.Progress.self, text) else { return nil }
                entry.progress = progress
            }
            return entry
        }
        .sorted { ($0.operation.orderedAt, $0.operation.id) < ($1.operation.orderedAt, $1.operation.id) }
    }

    /// Finds one by its id or the beginning of it. Throws `OrderError` of code `unknown` or `bad`.
    func entry(_ text: String) async throws -> Entry {
        let found = try await all().filter { $0.operation.id.hasPrefix(text.lowercased()) }
        guard let entry = found.first, !text.isEmpty else {
            throw OrderError(.unknown, "there is no operation '\(text)'")
        }
        guard found.count == 1 else {
            throw OrderError(.bad, "several operations begin with '\(text)'; give more digits")
        }
        return entry
    }

    func add(_ operation: BulkOperation) async throws {
        try await store.setNote(Self.prefix + operation.id, try JSONText.encode(operation))
    }

    /// Notes how far one is; only whoever carries it out does.
    func note(_ progress: BulkOperation.Progress, of operation: BulkOperation) async throws {
        try await store.setNote(Self.prefix + operation.id + Self.progress, try JSONText.encode(progress))
    }

    func cancel(_ operation: BulkOperation, by words: String) async throws {
        try await store.setNote(Self.prefix + operation.id + Self.cancel, words)
    }
}

extension OperationView {
    init(_ entry: OperationStore.Entry, isUndone: Bool) {
        let operation = entry.operation
        let progress = entry.progress
        id = operation.id
        action = operation.action
        state =
            switch progress?.end {
            case .completed: .completed
            case .cancelled: .cancelled
            case nil: entry.cancelledBy != nil ? .cancelling : progress == nil ? .waiting : .running
            }
        switch operation.choice {
        case .jobs(let query):
            jobs = Jobs(
                name: query.names, tag: query.tags, state: query.states.sorted { $0.rawValue < $1.rawValue },
                zone: query.zone, target: query.target?.rawValue, feed: query.feed)
        case .runs(let query):
            runs = Runs(
                job: query.job, state: query.states.sorted { $0.rawValue < $1.rawValue },
                trigger: query.triggers.sorted { $0.rawValue < $1.rawValue }, since: query.since, until: query.until)
        }
        undoes = operation.undoes
        perSecond = operation.perSecond
        total = operation.total
        done = progress?.done ?? 0
        changed = progress?.changed ?? 0
        unchanged = progress?.unchanged ?? 0
        refused = progress?.refused ?? 0
        problems = progress?.problems ?? []
        ranMeanwhile = progress?.ranMeanwhile ?? 0
        user = operation.user
        channel = operation.channel
        orderedAt = operation.orderedAt
        startedAt = progress?.startedAt
        endedAt = progress?.endedAt
        cancelledBy = entry.cancelledBy
        isUndoable = operation.action.isUndoable && !entry.isUnfinished && !isUndone
    }
}

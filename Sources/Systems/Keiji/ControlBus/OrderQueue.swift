import Synchronization

/// The orders that were accepted and are not carried out yet.
///
/// Those of one task are carried out one after the other, in the order they came; those of different tasks at the same time.
final class OrderQueue: Sendable {
    private struct State {
        var turn = 0
        var works: [Int: Task<String?, Never>] = [:]
        /// The turn of a task's newest order.
        var newest: [String: Int] = [:]
    }

    static let most = 100

    private let carryOut: @Sendable (BusOrder) async -> String?
    private let state = Mutex(State())

    init(_ carryOut: @escaping @Sendable (BusOrder) async -> String?) { self.carryOut = carryOut }

    /// Queues an order and answers the work of carrying it out; nil when too many wait. Nobody needs to wait for it.
    func add(_ order: BusOrder) -> Task<String?, Never>? {
        state.withLock { state in
            guard state.works.count < Self.most else { return nil }
            state.turn += 1
            let turn = state.turn
            let before = state.newest[order.task].flatMap { state.works[$0] }
            let work = Task {
                _ = await before?.value
                let why = Task.isCancelled ? "the bus is closing" : await carryOut(order)
                self.end(order, turn)
                return why
            }
            state.works[turn] = work
            state.newest[order.task] = turn
            return work
        }
    }

    private func end(_ order: BusOrder, _ turn: Int) {
        state.withLock { state in
            state.works[turn] = nil
            if state.newest[order.task] == turn { state.newest[order.task] = nil }
        }
    }

    /// Returns when nothing is left; cancels what is there when its own task is cancelled.
    func finish() async {
        await withTaskCancellationHandler {
            while let work = state.withLock({ $0.works.first?.value }) { _ = await work.value }
        } onCancel: {
            for work in state.withLock({ Array($0.works.values) }) { work.cancel() }
        }
    }
}

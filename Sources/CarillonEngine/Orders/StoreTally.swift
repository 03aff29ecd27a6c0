import CarillonCore
import Timetable

/// The store's numbers for `status`, which is answered also while a store is silent, with what it said last.
actor StoreTally {
    struct Answer: Sendable {
        var counts: StoreCounts
        var hours: [HourCount]
    }

    /// Microseconds a question waits for the store.
    private static let patience: Int64 = 1_000_000
    /// Microseconds: this hour and the 23 before it.
    private static let day: Int64 = 23 * 3_600_000_000

    private var last: Answer?
    private var trouble: String?
    private var isAsking = false
    private var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
    private var tickets = 0

    /// Asks the store, unless somebody does already; answers what is known after a second at most, and what is wrong.
    func ask(_ store: any JobStore, _ clock: some EngineClock) async -> (known: Answer?, trouble: String?) {
        if !isAsking {
            isAsking = true
            let now = clock.now
            Task { await look(store, now) }
        }
        let ticket = tickets
        tickets += 1
        let limit = Task {
            try await clock.sleep(for: Self.patience)
            release(ticket)
        }
        let isAnswered = await withCheckedContinuation { waiters[ticket] = $0 }
        limit.cancel()
        return (last, isAnswered ? trouble : "it does not answer")
    }

    private func release(_ ticket: Int) { waiters.removeValue(forKey: ticket)?.resume(returning: false) }

    private func look(_ store: any JobStore, _ now: Timestamp) async {
        do {
            let counts = try await store.counts()
            let hours = try await store.hours(from: now.adding(microseconds: -Self.day), to: now)
            last = Answer(counts: counts, hours: hours)
            trouble = nil
        } catch {
            trouble = "\(error)"
        }
        isAsking = false
        let all = waiters.values
        waiters = [:]
        for waiter in all { waiter.resume(returning: true) }
    }
}

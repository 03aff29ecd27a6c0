#if MongoDB
    import CarillonCore
    import CarillonTestSupport
    import MongoClient
    import MongoStore
    import Synchronization
    import Testing

    /// A process dies, or stands still and comes late, at every single write; another one takes over.
    @Suite(.timeLimit(.minutes(8)))
    struct CrashTests {
        enum End: String, CaseIterable, Sendable {
            case before, after, late
        }

        /// Stops a process at one of its writes; one that stands still goes on before the other one's operation of a number, or
        /// once that one is done. Answers whether there is such a write, and what is wrong in the end.
        private static func run(
            _ end: End, at write: Int, until step: Int = .max, _ sabotage: Sabotage? = nil
        ) async throws -> (isReached: Bool, failure: String?) {
            let documents = MemoryDocuments()
            let story = Story()
            let isReached = Mutex(false)
            let gate = Gate()
            let first = WatchedDocuments(documents, sabotage) { number in
                guard number == write else { return .goOn }
                isReached.withLock { $0 = true }
                switch end {
                case .before: return .die
                case .after: return .dieAfter
                case .late:
                    await gate.arrive()
                    return .goOn
                }
            }
            let life = Task { try await story.live("a", over: first) }
            if end == .late {
                // Either it stands still, or it is done.
                async let outcome: Void = { _ = await life.result }()
                await gate.waitForArrival(or: life)
                if isReached.withLock({ $0 }) {
                    let second = WatchedDocuments(
                        documents, sabotage,
                        step: { number in
                            guard number == step else { return }
                            gate.open()
                            _ = await life.result
                        })
                    // One that goes on before it has joined takes over in its turn.
                    try? await story.live("b", over: second)
                    gate.open()
                }
                _ = await outcome
                // Whoever has the shards finds what came late.
                try await story.live("b", over: WatchedDocuments(documents, sabotage))
            } else {
                _ = await life.result
                try await story.live("b", over: WatchedDocuments(documents, sabotage))
            }
            var failure: String?
            do {
                try await story.check(documents)
            } catch {
                failure = "\(end) write \(write): \(error)"
            }
            return (isReached.withLock { $0 }, failure)
        }

        /// When one that stands still is to go on: at some operations of the other, and once that one is done.
        private static func steps(_ end: End, _ random: inout SplitMix64) -> [Int] {
            end == .late ? (0..<6).map { _ in Int(random.next() % 150) } + [.max] : [.max]
        }

        @Test(arguments: End.allCases)
        func whoeverDiesOrComesLateLeavesNothingUndone(_ end: End) async throws {
            var random = SplitMix64(seed: 18)
            var write = 0
            var isOver = false
            while !isOver {
                for step in Self.steps(end, &random) {
                    let (isReached, failure) = try await Self.run(end, at: write, until: step)
                    if let failure { Issue.record("\(failure), going on at \(step)") }
                    isOver = !isReached
                }
                write += 1
            }
            // The life as a whole is that many writes.
            #expect(write > 60)
        }

        /// The story tells when a rule is not kept.
        @Test(arguments: Sabotage.allCases)
        func everyRuleIsNeeded(_ sabotage: Sabotage) async throws {
            var random = SplitMix64(seed: 18)
            for end in End.allCases {
                var write = 0
                var isOver = false
                while !isOver {
                    for step in Self.steps(end, &random) {
                        let outcome = try? await Self.run(end, at: write, until: step, sabotage)
                        guard let outcome, outcome.failure == nil else { return }
                        isOver = !outcome.isReached
                    }
                    write += 1
                }
            }
            Issue.record("nothing told of \(sabotage)")
        }
    }

    /// Where a process stands still until somebody lets it go on.
    private final class Gate: Sendable {
        private struct State {
            var isOpen = false
            var hasArrived = false
            var waiting: [CheckedContinuation<Void, Never>] = []
            var watching: [CheckedContinuation<Void, Never>] = []
        }

        private let state = Mutex(State())

        func arrive() async {
            await withCheckedContinuation { continuation in
                let (goesOn, watchers) = state.withLock { state in
                    state.hasArrived = true
                    if !state.isOpen { state.waiting.append(continuation) }
                    defer { state.watching = [] }
                    return (state.isOpen, state.watching)
                }
                for watcher in watchers { watcher.resume() }
                if goesOn { continuation.resume() }
            }
        }

        /// Returns when somebody has arrived, or the task is done.
        func waitForArrival(or life: Task<Void, any Error>) async {
            let done = Task {
                _ = await life.result
                self.wake()
            }
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.hasArrived { return true }
                    state.watching.append(continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
            if state.withLock(\.hasArrived) { return }
            await done.value
        }

        private func wake() {
            let watchers = state.withLock { state in
                state.hasArrived = true
                defer { state.watching = [] }
                return state.watching
            }
            for watcher in watchers { watcher.resume() }
        }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }
#endif

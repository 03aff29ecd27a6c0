public import CarillonCore
import RedisClient

/// Which queues anybody listens to.
struct Listeners: Sendable {
    /// Queues that runs go to, by the names workers know.
    var expected: Set<String> = []
    /// Living workers by queue, as last read.
    var counts: [String: Int] = [:]
    /// When it was read, in uptime.
    var readAt: Int64?

    /// Microseconds between two looks.
    static let interval: Int64 = 5_000_000

    func doubt(_ queue: String) -> String? {
        counts[queue] == 0 ? "no worker listens to queue '\(queue)'" : nil
    }

    var warnings: [String] { expected.sorted().compactMap(doubt) }
}

extension RQDispatcher {
    public func expect(_ jobs: [(job: String, target: RQTarget)]) async {
        await expect(queues: jobs.map(\.target.queue))
    }

    public func doubts(of jobs: [(job: String, target: RQTarget)]) async -> [String?] {
        await doubts(ofQueues: jobs.map(\.target.queue))
    }

    /// Notes queues that runs are going to go to, without the prefix.
    public func expect(queues: [String]) async {
        for queue in queues { listeners.expected.insert(configuration.queue(queue)) }
    }

    /// Says what stands against a run on each of these queues; nil for nothing.
    public func doubts(ofQueues queues: [String]) async -> [String?] {
        queues.map { listeners.doubt(configuration.queue($0)) }
    }

    /// Says the same for one queue, asking Redis when nobody has yet; nil also when it does not answer.
    public func doubt(ofQueue queue: String) async -> String? {
        let queue = configuration.queue(queue)
        if listeners.counts[queue] == nil {
            listeners.expected.insert(queue)
            try? await countListeners()
        }
        return listeners.doubt(queue)
    }

    /// Counts jobs that wait in queues that runs go to, and their workers.
    public func queues(limit: Int) async -> [QueueDepth] {
        let names = Array(listeners.expected.sorted().prefix(limit))
        guard !names.isEmpty, let answers = try? await ask(names.map { RedisCommand("LLEN", "rq:queue:\($0)") }) else {
            return []
        }
        return zip(names, answers).map { name, answer in
            QueueDepth(name: name, jobs: Int(answer.integer ?? 0), workers: listeners.counts[name] ?? 0)
        }
    }

    /// Reads the workers of every expected queue, when that is due.
    func countListeners() async throws(RedisError) {
        let queues = listeners.expected.sorted()
        let isNew = !queues.allSatisfy { listeners.counts[$0] != nil }
        let isOld = listeners.readAt.map { clock.uptime - $0 > Listeners.interval } ?? true
        guard !queues.isEmpty, isNew || isOld else { return }
        var command = RedisCommand.script(RQScripts.listeners, keys: [])
        for queue in queues { command.append(queue) }
        let answers = try await ask([command])[0].array ?? []
        listeners.counts = Dictionary(
            uniqueKeysWithValues: zip(queues, answers).map { ($0, Int($1.integer ?? 0)) })
        listeners.readAt = clock.uptime
    }
}

import CarillonCore

/// A queue that runs go to, as its server has it; `--json` prints it as it stands here.
public struct QueueView: Hashable, Sendable, Codable {
    public var name: String
    /// The kind of targets whose runs go there.
    public var target: String
    /// Jobs or messages that wait in it.
    public var jobs: Int
    /// Who listens to it.
    public var workers: Int
}

extension Engine {
    /// Queues of one kind of targets that are asked after.
    private static var mostQueues: Int { 50 }

    /// Asks the servers of all dispatchers; one that does not answer has none.
    func queues() async -> [QueueView] {
        var views: [QueueView] = []
        for lane in lanes.served.sorted(by: { $0.kind < $1.kind }) {
            views += await lane.dispatcher.queues(limit: Self.mostQueues).map {
                QueueView(name: $0.name, target: lane.kind.rawValue, jobs: $0.jobs, workers: $0.workers)
            }
        }
        return views
    }
}

public import CarillonCore

/// Work for whoever listens to a job's actions on a bus.
public struct BusTarget: TargetBody {
    public static let kind = Target.Kind(rawValue: "bus")

    /// How the messages of a job find their way.
    public enum Topology: String, Hashable, Sendable, Codable, CaseIterable {
        /// A topic exchange and three queues for each job: what Simple Scheduler's code does.
        case queues
        /// Three fanout exchanges, to which workers bind queues of their own: what its README says.
        case exchanges
    }

    public var topology: Topology

    public init(topology: Topology = .queues) { self.topology = topology }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        topology = try fields.decodeIfPresent(Topology.self, forKey: .topology) ?? .queues
    }

    private enum CodingKeys: CodingKey { case topology }

    public var summary: String { topology == .queues ? "workers on the bus" : "workers on the bus (exchanges)" }

    public var fault: String? { nil }
}

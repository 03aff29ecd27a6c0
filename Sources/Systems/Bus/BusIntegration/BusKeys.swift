package import BusDispatcher
package import CarillonConfiguration
package import CarillonCore

/// The key of a job whose work is done by workers on a bus.
package enum BusKeys: TargetKeys {
    package static let chosenBy = ["bus"]
    /// Workers queue what comes.
    package static let defaultOverlap = Overlap.allow
    package static let hasHeartbeats = true
    package static let signs: Signs? = Signs()
    package static let executor = "a worker on a bus"

    package static func read(_ job: inout ConfigTable) -> BusTarget? {
        job.table("bus") { BusTarget(topology: $0.choice("topology", BusTarget.Topology.self) ?? .queues) }
    }

    package static func write(_ body: BusTarget) -> [(key: String, value: ConfigNode)] {
        var bus = ConfigNode(.table([]))
        if body.topology != .queues { bus.set("topology", .text(body.topology.rawValue)) }
        return [("bus", bus)]
    }
}

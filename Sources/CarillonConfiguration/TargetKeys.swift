package import CarillonCore

/// The keys of a job that say what it executes, read by the system that executes it.
package protocol TargetKeys: Sendable {
    associatedtype Body: TargetBody

    /// Keys of which a job has one; it says which system this is.
    static var chosenBy: [String] { get }
    /// Other keys that belong to these.
    static var beside: [String] { get }
    /// What is right for most of its jobs.
    static var defaultOverlap: Overlap { get }
    /// Whether its executors give signs of life, so that a job may bound their silence.
    static var hasHeartbeats: Bool { get }
    /// What silence means of its executors; nil where they are in sight.
    static var signs: Signs? { get }
    /// Who executes it, for people: "a program".
    static var executor: String { get }

    /// Reads all of them; nil when something is wrong, which it has complained of.
    static func read(_ job: inout ConfigTable) -> Body?

    /// Writes them, such that `read` gives the same body; those that have their default are left out.
    static func write(_ body: Body) -> [(key: String, value: ConfigNode)]

    /// Says, by its key, what of a good body will fail all the same on this machine.
    static func warnings(_ body: Body) -> [(key: String, message: String)]
}

extension TargetKeys {
    package static var beside: [String] { [] }
    package static var hasHeartbeats: Bool { false }
    package static var signs: Signs? { nil }
    package static func warnings(_ body: Body) -> [(key: String, message: String)] { [] }
}

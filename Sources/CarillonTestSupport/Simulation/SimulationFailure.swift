/// A broken promise; the seed alone brings it back.
public struct SimulationFailure: Error, Sendable, CustomStringConvertible {
    public var seed: UInt64
    /// How many events had been dealt with.
    public var step: Int
    /// Which promise, in a word.
    public var promise: Promise
    public var message: String
    /// The last events before it, oldest first.
    public var trace: [String]

    public var description: String {
        "seed \(seed), step \(step), \(promise.rawValue): \(message)\n" + trace.joined(separator: "\n")
    }
}

/// The checks of a simulation.
public enum Promise: String, Sendable {
    case oneRunPerOccurrence, trueReason, ledgerFirst, startedOnce, noSilentSkip, notScheduled, overlap, window,
        retryBounds
    case finalStays, acknowledgedTooEarly, liveness, leak
    /// Of several instances: nobody but the holder of a shard writes what stands in it, and each shard has somebody who plans it.
    case oneDriver, takenOver
}

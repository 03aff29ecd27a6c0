/// What a simulation went through, summed over seeds.
public struct SimulationTotals: Sendable, CustomStringConvertible {
    public var seeds = 0
    public var years = 0
    /// Scheduled times that were checked against the ledger.
    public var occurrences = 0
    public var runs = 0
    public var attempts = 0
    public var skips = 0
    public var crashes = 0
    public var clockSteps = 0
    public var freezes = 0
    public var storeFaults = 0
    public var jobChanges = 0
    public var steps = 0
    /// Of several instances: how often one was given up, and how often shards were taken and given.
    public var losses = 0
    public var takes = 0
    public var gives = 0
    /// Attempts that were given up with their machine, and ran on.
    public var givenUp = 0
    /// Of documents: operations that instances came to, those that were interrupted, and processes that died between two.
    public var operations = 0
    public var interruptions = 0
    public var deaths = 0

    public init() {}

    public mutating func add(_ other: SimulationTotals) {
        seeds += other.seeds
        years += other.years
        occurrences += other.occurrences
        runs += other.runs
        attempts += other.attempts
        skips += other.skips
        crashes += other.crashes
        clockSteps += other.clockSteps
        freezes += other.freezes
        storeFaults += other.storeFaults
        jobChanges += other.jobChanges
        steps += other.steps
        losses += other.losses
        takes += other.takes
        gives += other.gives
        givenUp += other.givenUp
        operations += other.operations
        interruptions += other.interruptions
        deaths += other.deaths
    }

    public var description: String {
        """
        \(seeds) seeds, \(years) simulated years, \(occurrences) occurrences, \(runs) runs, \(attempts) attempts, \
        \(skips) skips, \(crashes) crashes, \(clockSteps) clock steps, \(freezes) freezes, \(storeFaults) store faults, \
        \(jobChanges) job changes, \(steps) steps, \(losses) instances given up, \(takes) takes, \(gives) gives, \
        \(givenUp) attempts given up, \(operations) operations, \(interruptions) interrupted, \(deaths) deaths between two
        """
    }
}

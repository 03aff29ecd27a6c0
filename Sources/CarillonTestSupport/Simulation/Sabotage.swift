/// A promise broken on purpose, to see that the checks notice.
public enum Sabotage: String, Sendable, CaseIterable {
    /// Runs go to their executor before the ledger has them.
    case dispatchBeforeLedger
    /// The store drops the cursor it was given, and keeps the runs.
    case cursorNotAdvanced
    /// The store takes an occurrence twice.
    case noUniqueKey
    /// A run gets the id of an earlier one and takes its place.
    case reusedRunID
    case skipDropped
    /// What was missed in a gap is called an overlap.
    case falseReason
    /// The newest time that is due is missed with the others.
    case newestMissed
    /// A change is taken up, and what its former definition owed is dropped.
    case formerForgotten
    /// The executor starts whatever it is given, as often as it is given.
    case noGuard
    /// Outcomes are acknowledged when they are told, not when they are saved.
    case acknowledgeBeforeSave
    /// A clock that went back leaves the cursors where they were.
    case noRewind
    /// A final run is written over.
    case finalRewritten

    // Of several instances.

    /// The store takes writes of any term.
    case noFence
    /// What was given is planned before its active runs are known.
    case planBeforeTake
    /// The outcome of a run that is not known is acknowledged.
    case unknownAcknowledged
    /// Mail is removed, and nobody acts on it.
    case mailUnread
    /// What was marked and never started is not reported by whoever joins.
    case markWithoutReport
    /// An end is acknowledged as soon as others were told, not when the ledger has it.
    case toldAcknowledged
    /// What comes to its start too late is started all the same, and some comes very late.
    case startedLate

    // Of documents: rules of the store that are not kept.

    /// What an earlier holder has decided is nobody's, and nobody finishes it.
    case openingsUnseen
    /// A decision says nothing of the runs that follow.
    case openingUnsaid
    /// A decision takes the place of one that nobody has finished.
    case openingOverwritten
    /// A decision stands whatever was decided since the job was read.
    case decisionUnconditional
    /// A change of a job drops what is still to follow from a decision.
    case changeDropsOpening
    /// Runs are recorded whoever has taken them.
    case recordsWithoutEpoch
}

/// What an instance has just written, once the store has it: for whoever looks on.
public enum LedgerChange: Sendable {
    /// Runs as they stand now: opened, or moved on.
    case runs([Run])
    /// Times that did not run.
    case skips([Skip])
    /// Jobs that were added, changed or removed, by their names.
    case jobs([String])
}

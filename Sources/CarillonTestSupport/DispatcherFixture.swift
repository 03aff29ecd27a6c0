public import CarillonCore

/// What `DispatcherConformance` needs of an executor: one per test, with nothing left of another test.
public protocol DispatcherFixture: Sendable {
    associatedtype Made: Dispatcher

    /// Makes a new dispatcher on the same executor, as a restarted daemon does; `capacity` where the kind has one.
    func makeDispatcher(capacity: Int) async throws -> Made

    /// Makes a target that notes its start and then behaves so.
    func target(_ behaviour: DispatcherBehaviour) -> Made.Body

    /// Waits until an attempt has noted its start, and is ready to be cancelled.
    func ready(_ attempt: AttemptID) async

    /// Counts how often an attempt has noted its start so far.
    func starts(of attempt: AttemptID) async -> Int

    /// Ends a ready attempt in such a way that nobody can know how it went; false when this executor always knows.
    func lose(_ attempt: AttemptID) async throws -> Bool
}

/// How the target of a conformance test behaves.
public enum DispatcherBehaviour: Sendable, CaseIterable {
    case succeeds, fails
    /// Until it is cancelled, and then ends at once.
    case waits
    /// Until it is cancelled by force.
    case defies
}

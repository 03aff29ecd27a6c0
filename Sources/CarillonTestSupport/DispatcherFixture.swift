public import CarillonCore

/// What `DispatcherConformance` needs of an executor: one per test, with nothing left of another test.
public protocol DispatcherFixture: Sendable {
    associatedtype Made: Dispatcher

    /// Makes a new dispatcher on the same executor, as a restarted daemon does; `capacity` where the kind has one.
    func makeDispatcher(capacity: Int) async throws -> Made

    /// Makes a target that notes its start and then behaves so.
    func target(_ behaviour: DispatcherBehaviour) -> Made.Body

    /// What a run is given along, where the target alone cannot say how to behave.
    func arguments(_ behaviour: DispatcherBehaviour) -> [String: String]?

    /// Waits until a new dispatcher can hand over runs of a job, where that takes a while.
    func prepare(_ dispatcher: Made, for job: String) async

    /// Whether the executor can be asked which attempts it has.
    var remembers: Bool { get }

    /// Waits until an attempt has noted its start, and is ready to be cancelled.
    func ready(_ attempt: AttemptID) async

    /// Counts how often an attempt has noted its start so far.
    func starts(of attempt: AttemptID) async -> Int

    /// Ends a ready attempt in such a way that nobody can know how it went; false when this executor always knows.
    func lose(_ attempt: AttemptID) async throws -> Bool
}

extension DispatcherFixture {
    public func arguments(_ behaviour: DispatcherBehaviour) -> [String: String]? { nil }
    public func prepare(_ dispatcher: Made, for job: String) async {}
    public var remembers: Bool { true }
}

/// How the target of a conformance test behaves.
public enum DispatcherBehaviour: Sendable, CaseIterable {
    case succeeds, fails
    /// Until it is cancelled, and then ends at once.
    case waits
    /// Until it is cancelled by force.
    case defies
}

import BusDispatcher
import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Foundation
import Logging
import Synchronization

/// A bus in this process, and a worker on it that does as a run's argument `behaviour` says.
final class InProcessFixture: DispatcherFixture {
    let bus = InProcessBus()
    let topology: BusTarget.Topology
    /// Attempts by the id of their message, once for each start.
    private let started = Mutex<[String]>([])
    private let work = Mutex<Task<Void, Never>?>(nil)

    init(_ topology: BusTarget.Topology) { self.topology = topology }

    deinit { work.withLock { $0?.cancel() } }

    var remembers: Bool { false }

    func makeDispatcher(capacity: Int) async throws -> BusDispatcher {
        BusDispatcher(bus, clock: SystemClock(), logger: .silent)
    }

    func prepare(_ dispatcher: BusDispatcher, for job: String) async {
        let place = JobPlace(job: job, topology: topology)
        if work.withLock({ $0 == nil }) {
            let actions = await bus.work(for: place)
            work.withLock { work in
                work = Task { [bus, weak self] in
                    var defiant: Set<String> = []
                    for await action in actions {
                        guard let text = try? JSONDecoder().decode(Action.self, from: Data(action.body)) else {
                            continue
                        }
                        let tell = { (status: String) in
                            await bus.tell(
                                #"{"jobName":"\#(job)","runId":"\#(text.runId)","status":"\#(status)"}"#, of: job)
                        }
                        if text.action == "cancel" {
                            if !defiant.contains(text.runId) { await tell("cancelled") }
                            continue
                        }
                        self?.started.withLock { $0.append(action.id) }
                        await tell("running")
                        switch text.arguments?["behaviour"] {
                        case "fails": await tell("failed")
                        case "waits": break
                        case "defies": defiant.insert(text.runId)
                        default: await tell("completed")
                        }
                    }
                }
            }
        }
        await dispatcher.expect([(job, BusTarget(topology: topology))])
        while await dispatcher.doubts(of: [(job, BusTarget(topology: topology))]) != [nil] { await Task.yield() }
    }

    struct Action: Decodable {
        var runId: String
        var action: String
        var arguments: [String: String]?
    }

    func target(_ behaviour: DispatcherBehaviour) -> BusTarget { BusTarget(topology: topology) }

    func arguments(_ behaviour: DispatcherBehaviour) -> [String: String]? {
        // Nobody has force over a worker on a bus; what defies would never end.
        ["behaviour": behaviour == .defies ? "waits" : "\(behaviour)"]
    }

    func ready(_ attempt: AttemptID) async { while await starts(of: attempt) == 0 { await Task.yield() } }

    func starts(of attempt: AttemptID) async -> Int { started.withLock { $0.count { $0 == attempt.sentName } } }

    func lose(_ attempt: AttemptID) async throws -> Bool { false }
}

extension InProcessBus {
    func tell(_ text: String, of job: String, isHeartbeat: Bool = false) {
        tell(Array(text.utf8), of: job, isHeartbeat: isHeartbeat)
    }
}

/// A bus on which something happens while it declares a place.
final class AskingBus: MessageBus {
    private let bus: InProcessBus
    let meanwhile = Mutex<(@Sendable () async -> Void)?>(nil)
    let declarations = Mutex(0)

    init(bus: InProcessBus) { self.bus = bus }

    var address: String { bus.address }

    func connect() async throws(BusError) -> any BusLine { AskingLine(bus: self, line: try await bus.connect()) }
}

private struct AskingLine: BusLine {
    let bus: AskingBus
    let line: any BusLine

    var blockage: String? { get async { await line.blockage } }

    func declare(_ place: JobPlace, isSuspect: Bool) async throws(BusError) -> Bool {
        bus.declarations.withLock { $0 += 1 }
        let isNew = try await line.declare(place, isSuspect: isSuspect)
        await bus.meanwhile.withLock { $0 }?()
        return isNew
    }

    func isMarked() async throws(BusError) -> Bool { try await line.isMarked() }

    func mark() async throws(BusError) { try await line.mark() }

    func publish(_ actions: [BusAction]) async -> [BusAnswer] { await line.publish(actions) }

    func listen(_ take: @escaping @Sendable ([BusDelivery]) async -> Void) async throws(BusError) {
        try await line.listen(take)
    }

    func settle(_ settled: [(tag: UInt64, verdict: BusVerdict)]) async throws(BusError) {
        try await line.settle(settled)
    }

    func depth(of place: JobPlace) async throws(BusError) -> BusDepth? { try await line.depth(of: place) }

    func close() async { await line.close() }
}

import CarillonTestSupport
import ControlBus
import Glibc
import Logging
import Synchronization
import Testing

/// A bus on ports of its own, and what it carried out.
struct Rig {
    let pushPort: Int
    let pullPort: Int
    let record = Record()
    let token: String?

    var push: SocketClient { SocketClient(port: pushPort) }
    var pull: SocketClient { SocketClient(port: pullPort) }

    var configuration: ControlBusConfiguration {
        get throws { try ControlBusConfiguration(pushPort: pushPort, pullPort: pullPort, token: token) }
    }

    init(token: String? = nil) throws {
        self.token = token
        pushPort = try FreePort.find()
        pullPort = try FreePort.find()
    }

    /// Runs the bus around `body`: at most 20 silent connections and 3 pullers.
    func serving(_ body: () async throws -> Void) async throws {
        let bus = ControlBus(
            try configuration, mostConnections: 20, mostPullers: 3, logger: .recording(record),
            carryOut: record.carryOut)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await bus.run() }
            try await eventually("it listens") { record.lines.contains { $0.contains("listening") } }
            try await body()
            tasks.cancelAll()
        }
    }

    func order(_ command: String, _ task: String) async throws -> String {
        try await push.ask([Array(Self.line(command, task, token: token).utf8)])
    }

    /// Writes the line and leaves, as keiji's own client does.
    func tell(_ command: String, _ task: String) throws {
        let descriptor = try push.open()
        SocketClient.write(Array(Self.line(command, task, token: token).utf8), to: descriptor)
        close(descriptor)
    }

    static func line(_ command: String, _ task: String, token: String? = nil) -> String {
        let pass = token.map { #","token":"\#($0)""# } ?? ""
        return #"{"cmd":"\#(command)","taskID":"\#(task)"\#(pass)}"# + "\n"
    }
}

/// Carries out nothing, and remembers everything.
final class Record: Sendable {
    private struct State {
        var begun: [BusOrder] = []
        var ended: [BusOrder] = []
        var isHeld = false
        var lines: [String] = []
    }

    private let state = Mutex(State())

    var begun: [BusOrder] { state.withLock { $0.begun } }
    var ended: [BusOrder] { state.withLock { $0.ended } }
    var lines: [String] { state.withLock { $0.lines } }

    /// While held, no order comes to its end.
    func hold(_ held: Bool) { state.withLock { $0.isHeld = held } }

    func note(_ line: String) { state.withLock { $0.lines.append(line) } }

    @Sendable func carryOut(_ order: BusOrder) async -> String? {
        state.withLock { $0.begun.append(order) }
        while state.withLock({ $0.isHeld }), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
        state.withLock { $0.ended.append(order) }
        return order.task == "unknown" ? "there is no task 'unknown'" : nil
    }
}

extension Logger {
    static func recording(_ record: Record) -> Logger { Logger(label: "test") { _ in Recorder(record: record) } }
}

private struct Recorder: LogHandler {
    let record: Record
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(record: Record) { self.record = record }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { record.note("\(event.message) \(event.metadata ?? [:])") }
}

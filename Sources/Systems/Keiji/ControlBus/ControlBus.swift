public import Listening
package import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// keiji's TCP bus: orders come in at the push port, and whoever pulls listens along.
///
/// At the push port a client writes one line, `{"cmd":"stop","taskID":"…"}`, and is answered `OK` once the order is carried out, or
/// `ERROR: <why>`. An order that came in whole is carried out whether or not its client waits for the answer. This
/// daemon carries out the orders itself, so nobody needs to pull: of the orders accepted, each is handed to exactly one puller, in
/// order, and while nobody pulls the newest 100 are kept. A puller keeps its writing side open; once it has closed it, it is gone.
public struct ControlBus: Service {
    /// The bus cannot be opened, or not like this.
    public struct Unusable: ChannelUnusable {
        public var description: String
    }

    private let configuration: ControlBusConfiguration
    private let mostConnections: Int
    private let mostPullers: Int
    private let patience: Int64
    private let logger: Logger
    private let carryOut: @Sendable (BusOrder) async -> String?

    /// Takes `carryOut`, which returns nil when the order is carried out, or else why not, in words for the client.
    /// Past `mostConnections` at once on a port the oldest that has asked nothing gives way, and past `mostPullers` the
    /// one that has waited longest. Whoever asks nothing for `patience` seconds is refused.
    package init(
        _ configuration: ControlBusConfiguration, mostConnections: Int = 256, mostPullers: Int = 256,
        patience: Int64 = RequestLimit.patience, logger: Logger,
        carryOut: @escaping @Sendable (BusOrder) async -> String?
    ) {
        self.configuration = configuration
        self.mostConnections = mostConnections
        self.mostPullers = mostPullers
        self.patience = patience
        self.logger = logger
        self.carryOut = carryOut
    }

    /// Makes sure that nobody else listens there, before anything runs twice. Throws `Unusable`.
    public static func check(_ configuration: ControlBusConfiguration) throws {
        try BusPlace(configuration, port: configuration.pushPort).check()
        try BusPlace(configuration, port: configuration.pullPort).check()
    }

    /// Serves until it is ended; throws `Unusable` when a port cannot be had.
    ///
    /// A graceful shutdown ends it once the orders that came in are carried out; cancelling cancels those too.
    public func run() async throws {
        let crowds = [ConnectionLimiter(most: mostConnections), ConnectionLimiter(most: mostConnections)]
        let audience = PullerQueue(most: mostPullers)
        let queue = OrderQueue(carryOut)
        // One loop for all: what came first is read first.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let push = try await bind(
            configuration.pushPort,
            Listener.bootstrap(on: loop, allowsHalfClosure: true) { [configuration, patience] in
                Conversation<LineEnd>(crowds[0], patience: patience) { bytes throws(RequestFault) in
                    try Self.take(bytes, configuration, queue, audience)
                }
            })
        let pull: any Channel
        do {
            pull = try await bind(configuration.pullPort, pullers(on: loop, crowds[1], audience))
        } catch {
            try? await push.close()
            throw error
        }
        logger.info("listening for keiji's orders", metadata: ["bus": "\(configuration)"])
        try await Listener.untilShutdown([push, pull])
        for crowd in crowds { crowd.closeAll() }
        audience.dismiss()
        await queue.finish()
    }

    private func pullers(on loop: any EventLoop, _ crowd: ConnectionLimiter, _ audience: PullerQueue) -> ServerBootstrap
    {
        guard configuration.token != nil else {
            return Listener.bootstrap(on: loop, allowsHalfClosure: false) { PullerHandler(audience) }
        }
        return Listener.bootstrap(on: loop, allowsHalfClosure: false) { [configuration, patience] in
            Conversation<LineEnd>(crowd, patience: patience) { bytes throws(RequestFault) in
                try configuration.admit(bytes.prefix { $0 != LineEnd.newline })
                return .handOver { audience.enter($0) }
            }
        }
    }

    private func bind(_ port: Int, _ bootstrap: ServerBootstrap) async throws -> any Channel {
        do {
            return try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: configuration.host, port: port).get()
        } catch {
            throw BusPlace(configuration, port: port).unusable(error)
        }
    }

    private static func take(
        _ bytes: [UInt8], _ configuration: ControlBusConfiguration, _ queue: OrderQueue, _ audience: PullerQueue
    ) throws(RequestFault) -> Answer {
        let line = bytes.prefix { $0 != LineEnd.newline }
        try configuration.admit(line)
        let order = try BusOrder.read(line)
        guard let work = queue.add(order) else { throw RequestFault(message: "too many requests") }
        audience.tell(order)
        return .work { await work.value.map { "ERROR: \($0)" } ?? "OK" }
    }
}

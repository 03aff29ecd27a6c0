public import CarillonCore
import Listening
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// Carries out what an existing bus of keiji's has to say: pulls one order after the other.
///
/// While the bus is away it tries again, after 100 ms at first and 5 s at last. What is no order is logged and skipped.
public struct BusPuller: Service {
    /// Microseconds between two tries.
    private static let shortestWait: Int64 = 100_000
    private static let longestWait: Int64 = 5_000_000

    private let host: String
    private let port: Int
    private let clock: any EngineClock
    private let logger: Logger
    private let carryOut: @Sendable (BusOrder) async -> String?

    /// Takes its address; `carryOut` is that of `ControlBus`; an order it cannot carry out is logged with its reason.
    public init(
        host: String = "127.0.0.1", port: Int = 8_006, clock: any EngineClock, logger: Logger,
        carryOut: @escaping @Sendable (BusOrder) async -> String?
    ) {
        self.host = host
        self.port = port
        self.clock = clock
        var logger = logger
        logger[metadataKey: "bus"] = "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        self.logger = logger
        self.carryOut = carryOut
    }

    /// Ends at once when it is cancelled or shut down gracefully, but for an order in its hands: that is lost to the bus, so it is
    /// carried out first.
    public func run() async throws {
        var wait = Self.shortestWait
        var isAway = false
        while !Task.isCancelled && !Task.isShuttingDownGracefully {
            do {
                let connection = BusConnection(host: host, port: port)
                try await cancelWhenGracefulShutdown { try await connection.opened() }
                if isAway { logger.info("keiji's bus is back") }
                isAway = false
                let message = try await cancelWhenGracefulShutdown { try await connection.message() }
                guard !message.isEmpty else { throw RequestFault(message: "it is empty") }
                let order = try BusOrder.read(message)
                wait = Self.shortestWait
                await take(order)
                continue
            } catch is CancellationError {
                break
            } catch let fault as RequestFault {
                logger.warning("skipped a message of keiji's bus", metadata: ["error": "\(fault.message)"])
            } catch {
                if !isAway { logger.warning("keiji's bus is away", metadata: ["error": "\(error)"]) }
                isAway = true
            }
            // Also after a message that is none: whatever listens there may have nothing else.
            let pause = wait
            guard (try? await cancelWhenGracefulShutdown { try await clock.sleep(for: pause) }) != nil else { break }
            wait = min(wait * 2, Self.longestWait)
        }
    }

    private func take(_ order: BusOrder) async {
        guard let why = await carryOut(order) else { return }
        logger.warning(
            "an order of keiji's bus was not carried out",
            metadata: ["cmd": "\(order.command.rawValue)", "taskID": "\(order.task)", "error": "\(why)"])
    }
}

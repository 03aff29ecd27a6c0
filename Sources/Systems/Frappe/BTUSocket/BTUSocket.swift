import Foundation
public import Listening
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// The socket on which the Frappe app says that a schedule changes: one request for each connection, one answer in plain text.
public struct BTUSocket: Service {
    /// The socket cannot be opened.
    public struct Unusable: ChannelUnusable {
        public var description: String
    }

    private let place: SocketPlace
    private let logger: Logger
    private let answer: @Sendable (BTURequest) async -> String

    private let mostConnections: Int

    /// Takes its place; `group` owns the socket when it is given; its mode is 0775. Past `mostConnections` at once the
    /// oldest that has asked nothing gives way.
    public init(
        path: String, group: String?, mostConnections: Int = 256, logger: Logger,
        answer: @escaping @Sendable (BTURequest) async -> String
    ) {
        self.mostConnections = mostConnections
        place = SocketPlace(path: path, group: group)
        self.logger = logger
        self.answer = answer
    }

    /// Makes sure that nobody else listens there, before anything runs twice. Throws `Unusable`.
    public static func check(path: String) throws { try SocketPlace(path: path, group: nil).clear() }

    /// Serves; throws `Unusable` when another daemon listens there, or when the path or the group cannot be had.
    public func run() async throws {
        try place.clear()
        let crowd = ConnectionLimiter(most: mostConnections)
        let answer = answer
        let server: any Channel
        do {
            let socket = try PrivateSocket.bind(at: place.path)
            server = try await Listener.bootstrap(
                on: MultiThreadedEventLoopGroup.singleton, allowsHalfClosure: true,
                handler: {
                    Conversation<JSONEnd>(crowd) { bytes throws(RequestFault) in try Self.reply(bytes, answer) }
                }
            ).withBoundSocket(socket).get()
        } catch let fault as PrivateSocket.Unusable {
            throw Unusable(description: fault.description)
        } catch {
            throw Unusable(description: "\(place.path): the socket cannot be opened: \(error)")
        }
        do {
            try place.dress()
        } catch {
            try? await server.close()
            throw error
        }
        logger.info("listening for the Frappe app", metadata: ["socket": "\(place.path)"])
        try await Listener.untilShutdown([server])
        crowd.closeAll()
        unlink(place.path)
    }

    private static func reply(
        _ bytes: [UInt8], _ answer: @escaping @Sendable (BTURequest) async -> String
    ) throws(RequestFault) -> Answer {
        let request = try BTURequest.read(bytes)
        return request == .ping ? .text("pong") : .work { await answer(request) }
    }
}

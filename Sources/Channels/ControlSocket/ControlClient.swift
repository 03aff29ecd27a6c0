import CarillonCore
public import CarillonEngine
import NIOCore
import NIOPosix

/// The other end of `ControlServer`.
public struct ControlClient: Sendable {
    /// Nobody listens at the path.
    public struct NoDaemon: Error, CustomStringConvertible {
        public let path: String
        public var description: String { "no daemon answers at \(path)" }
    }

    private let path: String

    public init(path: String) { self.path = path }

    /// Gives one order and waits for its reply. Throws `NoDaemon` when none listens.
    public func send(_ order: Order) async throws -> Reply {
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ByteToMessageHandler(LineDecoder(longest: LineDecoder.longestReply)))
                        return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw NoDaemon(path: path)
        }
        return try await channel.executeThenClose { replies, requests in
            try await requests.write(ByteBuffer(string: try JSONText.encode(order) + "\n"))
            for try await reply in replies { return try JSONText.decode(Reply.self, String(buffer: reply)) }
            throw OrderError(.refused, "the daemon stopped before it answered")
        }
    }
}

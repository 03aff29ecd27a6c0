package import NIOCore
package import NIOPosix
import ServiceLifecycle

/// What servers of short conversations share.
package enum Listener {
    /// Makes a server each of whose connections gets a handler of its own.
    ///
    /// With `allowsHalfClosure` a client that has closed its writing side may still read; without, it is gone.
    package static func bootstrap(
        on group: any EventLoopGroup, allowsHalfClosure: Bool,
        handler: @escaping @Sendable () -> some ChannelInboundHandler
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.allowRemoteHalfClosure, value: allowsHalfClosure)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
            }
    }

    /// Returns when the servers are closed: by a graceful shutdown, or because the task is cancelled.
    package static func untilShutdown(_ servers: [any Channel]) async throws {
        let close = { @Sendable in for server in servers { server.close(promise: nil) } }
        try await withGracefulShutdownHandler {
            try await withTaskCancellationHandler {
                for server in servers { try await server.closeFuture.get() }
            } onCancel: {
                close()
            }
        } onGracefulShutdown: {
            close()
        }
    }
}

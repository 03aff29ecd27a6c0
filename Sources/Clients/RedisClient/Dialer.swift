import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Opens the channel to a server, TLS included; each channel gets a handler of its own.
struct Dialer {
    let configuration: RedisConfiguration
    let loop: any EventLoop

    /// Connects; `handler` is called on the event loop for every address tried at once, such as ::1 and 127.0.0.1.
    func dial(_ handler: @escaping @Sendable () -> any ChannelHandler) -> EventLoopFuture<any Channel> {
        guard let tls = configuration.tls else { return connect(context: nil, handler) }
        // Reads files, which takes milliseconds; not on the thread that others share.
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) { try Self.context(tls) }
            .flatMap { connect(context: $0, handler) }
    }

    private func connect(
        context: NIOSSLContext?, _ handler: @escaping @Sendable () -> any ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        let name = Self.name(configuration)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.microseconds(configuration.connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                    }
                    try pipeline.addHandler(handler())
                }
            }
        if let path = configuration.socketPath { return bootstrap.connect(unixDomainSocketPath: path) }
        // A silent peer is found dead within a minute and a half even while nothing is awaited (tcp(7)).
        return
            bootstrap
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 60)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 10)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3)
            .connect(host: configuration.host, port: configuration.port)
    }

    /// Says what the certificate must be for. Nil for an IP address, which is no name for SNI (RFC 6066, 3): NIOSSL
    /// holds the certificate against the address connected to then.
    static func name(_ configuration: RedisConfiguration) -> String? {
        let name = configuration.tls?.serverName ?? configuration.host
        return (try? SocketAddress(ipAddress: name, port: 0)) == nil && !name.isEmpty ? name : nil
    }

    private static func context(_ tls: RedisConfiguration.TLS) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = tls.verify ? .fullVerification : .none
        do {
            if let file = tls.caFile {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
            }
            if let file = tls.certificateFile {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
            }
            if let file = tls.keyFile {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem))
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            let files = [tls.caFile, tls.certificateFile, tls.keyFile].compactMap { $0 }.joined(separator: ", ")
            throw RedisError(.unreachable, "cannot use the files for TLS (\(files)): \(error)")
        }
    }
}

extension RedisError {
    /// Says what went wrong in the network, in a person's words.
    init(_ error: any Error, at address: String) {
        switch error {
        case let error as RedisError: self = error
        case let error as IOError:
            self.init(.unreachable, "\(address): \(String(cString: strerror(error.errnoCode)))")
        case ChannelError.connectTimeout:
            self.init(.unreachable, "\(address): no connection in time")
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first {
                self.init(first.error, at: address)
            } else {
                self.init(.unreachable, "\(address): no such host")
            }
        case NIOSSLError.uncleanShutdown:
            self.init(.closed, "\(address): the connection was cut")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            self.init(.unreachable, "\(address): TLS failed: \(error)")
        default:
            self.init(.unreachable, "\(address): \(error)")
        }
    }
}

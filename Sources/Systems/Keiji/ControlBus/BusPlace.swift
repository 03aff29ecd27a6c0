import Glibc
import NIOCore

/// One port of the bus.
struct BusPlace: Sendable {
    let host: String
    let port: Int
    /// Both, as people write them.
    let name: String

    init(_ configuration: ControlBusConfiguration, port: Int) {
        host = configuration.host
        self.port = port
        name = configuration.address(port)
    }

    /// Throws `ControlBus.Unusable` when the port cannot be had.
    func check() throws {
        let address: SocketAddress
        do {
            address = try .makeAddressResolvingHost(host, port: port)
        } catch {
            throw unusable(error)
        }
        let descriptor = socket(address.protocol == .inet6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw unusable(IOError(errnoCode: errno, reason: "socket")) }
        defer { close(descriptor) }
        // As a server does: the connections of one that has just ended are in nobody's way.
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0 else {
            throw unusable(IOError(errnoCode: errno, reason: "bind"))
        }
    }

    func unusable(_ error: any Error) -> ControlBus.Unusable {
        guard (error as? IOError)?.errnoCode == EADDRINUSE else {
            return ControlBus.Unusable(description: "the bus cannot listen on \(name): \(error)")
        }
        return ControlBus.Unusable(
            description: "another daemon or keiji's bus listens on \(name); stop it first")
    }
}

import Listening
import NIOCore
import SwiftGlibc

/// Where the bus listens, and what one must know to use it.
///
/// Printing it, in whatever way, shows its addresses alone.
public struct ControlBusConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
    /// A name, or an IPv4 or IPv6 address without brackets.
    public let host: String
    /// Orders come in here.
    public let pushPort: Int
    /// Whoever listens along does so here.
    public let pullPort: Int
    /// What every order and every puller must name as `token`; nil asks for none.
    let token: String?

    /// Throws `ControlBus.Unusable` when the host is not loopback and there is no token: the bus deletes files, and must not be
    /// open to a network. Also when a port is none (1 to 65,535), both are the same, or the token is empty.
    public init(
        host: String = "127.0.0.1", pushPort: Int = 8_005, pullPort: Int = 8_006, token: String? = nil
    ) throws(ControlBus.Unusable) {
        for port in [pushPort, pullPort] where !(1...65_535).contains(port) {
            throw ControlBus.Unusable(description: "the bus's port \(port) is none; expected 1 to 65535")
        }
        guard pushPort != pullPort else {
            throw ControlBus.Unusable(description: "the bus needs two ports, and has \(pushPort) for both")
        }
        guard token?.isEmpty != true else { throw ControlBus.Unusable(description: "the bus's token is empty") }
        guard token != nil || Self.isLoopback(host) else {
            throw ControlBus.Unusable(
                description:
                    "the bus deletes files, so on \(host) it needs a token; without one it listens on 127.0.0.1 only")
        }
        self.host = host
        self.pushPort = pushPort
        self.pullPort = pullPort
        self.token = token
    }

    public var description: String { "\(address(pushPort)) and \(address(pullPort))" }
    public var customMirror: Mirror { Mirror(self, children: ["addresses": description]) }

    func address(_ port: Int) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" { return true }
        switch try? SocketAddress(ipAddress: host, port: 0) {
        case .v4(let address): return UInt32(bigEndian: address.address.sin_addr.s_addr) >> 24 == 127
        // Its one address, RFC 4291, 2.5.3.
        case .v6(let address):
            return withUnsafeBytes(of: address.address.sin6_addr) {
                $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1
            }
        default: return false
        }
    }
}

extension ControlBusConfiguration {
    private struct Pass: Decodable {
        var token: String?
    }

    /// Throws unless the line names the token, when there is one.
    func admit(_ line: some Sequence<UInt8>) throws(RequestFault) {
        guard let token else { return }
        let pass = try RequestFault.decode(Pass.self, from: line, example: #"{"token": "…"}"#)
        guard let given = pass.token, Self.areEqual(Array(token.utf8), Array(given.utf8)) else {
            throw RequestFault(message: "the token is missing or wrong")
        }
    }

    /// Takes as long whatever is given: how much of it is right does not show.
    private static func areEqual(_ secret: [UInt8], _ given: [UInt8]) -> Bool {
        var difference = secret.count ^ given.count
        for (index, byte) in secret.enumerated() {
            difference |= Int(byte ^ (given.isEmpty ? 0 : given[index % given.count]))
        }
        return difference == 0
    }
}

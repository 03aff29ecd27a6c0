import Glibc
import Synchronization

/// Ports of 127.0.0.1 that nobody has.
package enum FreePort {
    /// Below the range from which the kernel takes ports for outgoing connections (ip(7)): a port is still free when its
    /// server starts, and when it starts again.
    private static let range = 15_000..<32_000

    /// The next to try. Two fixtures of a process never get the same; two processes begin far from each other.
    private static let next = Mutex(Int.random(in: range))

    /// Finds a free port; throws when two hundred in a row are taken.
    package static func find() throws -> Int {
        for _ in 0..<200 {
            let port = next.withLock { next in
                defer { next = next + 1 < range.upperBound ? next + 1 : range.lowerBound }
                return next
            }
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { break }
            defer { close(descriptor) }
            if withAddress(port, { bind(descriptor, $0, $1) }) == 0 { return port }
        }
        throw ConformanceFailure(description: "no port of 127.0.0.1 is free")
    }

    /// Reads what a server of this port says first, after `request`; at most so many bytes, and at most for a second.
    /// Nil when nobody listens.
    static func reply(of port: Int, to request: String = "", atMost count: Int) -> [UInt8]? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard withAddress(port, { connect(descriptor, $0, $1) }) == 0,
            send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count
        else { return nil }
        var reply = [UInt8](repeating: 0, count: count)
        let read = recv(descriptor, &reply, count, Int32(MSG_NOSIGNAL))
        return Array(reply.prefix(max(0, read)))
    }

    static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

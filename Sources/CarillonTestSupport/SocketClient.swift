public import Foundation
import Glibc

/// A client that writes what it is told and reads until the end; each call blocks a thread of its own.
public struct SocketClient: Sendable {
    /// Empty when it is a port's.
    public let path: String
    private let port: Int?

    /// Makes a client of a Unix socket.
    public init(path: String) { (self.path, port) = (path, nil) }

    /// Makes a client of a port of 127.0.0.1.
    public init(port: Int) { (path, self.port) = ("", port) }

    struct Failed: Error {}

    public func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        if let port { return FreePort.withAddress(port, body) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// Opens a connection that says nothing.
    public func open() throws -> Int32 {
        let descriptor = socket(port == nil ? AF_UNIX : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0, withAddress({ connect(descriptor, $0, $1) }) == 0 else {
            close(descriptor)
            throw Failed()
        }
        return descriptor
    }

    public func untilServed() async throws {
        try await eventually(within: 60, "the socket is served") { (try? await ping()) == "pong" }
    }

    public func ping() async throws -> String { try await ask(#"{"request_type": "ping", "request_content": null}"#) }

    public func ask(_ text: String) async throws -> String { try await ask([Array(text.utf8)]) }

    /// Writes the pieces one by one; with `finish` it says that it has said all.
    public func ask(_ pieces: [[UInt8]], finish: Bool = false) async throws -> String {
        try await Self.blocking {
            let descriptor = try open()
            for piece in pieces { Self.write(piece, to: descriptor) }
            if finish { shutdown(descriptor, Int32(SHUT_WR)) }
            return Self.readToEnd(of: descriptor)
        }
    }

    /// Writes as much as the other end takes.
    public static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { break }
            rest = rest.dropFirst(sent)
        }
    }

    /// Reads what comes until the end, or until nothing has come for a minute; then closes it.
    public static func read(_ descriptor: Int32) async throws -> String {
        try await blocking { readToEnd(of: descriptor) }
    }

    private static func blocking(_ body: @escaping @Sendable () throws -> String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            // Not one of Dispatch's: tasks run on those, the server's too, and there are few.
            Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
        }
    }

    private static func readToEnd(of descriptor: Int32) -> String {
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 2_048)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }
}

import Foundation
import Glibc

/// A client of a Unix socket that writes what it is told and reads until the end; each call blocks a thread of its own.
public struct SocketClient: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    struct Failed: Error {}

    public func withAddress<T>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// A connection that says nothing.
    public func open() throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0, withAddress({ connect(descriptor, $0, $1) }) == 0 else {
            close(descriptor)
            throw Failed()
        }
        return descriptor
    }

    public func untilServed() async throws {
        for _ in 0..<500 {
            if (try? await ping()) == "pong" { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failed()
    }

    public func ping() async throws -> String { try await ask(#"{"request_type": "ping", "request_content": null}"#) }

    public func ask(_ text: String) async throws -> String { try await ask([Array(text.utf8)]) }

    /// Writes the pieces one by one; with `finish` it says that it has said all.
    public func ask(_ pieces: [[UInt8]], finish: Bool = false) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try self.converse(pieces, finish) })
            }
        }
    }

    private func converse(_ pieces: [[UInt8]], _ finish: Bool) throws -> String {
        let descriptor = try open()
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        for piece in pieces {
            var rest = piece[...]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes {
                    send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { break }
                rest = rest.dropFirst(sent)
            }
        }
        if finish { shutdown(descriptor, Int32(SHUT_WR)) }
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

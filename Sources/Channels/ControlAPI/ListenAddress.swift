import Hummingbird

/// Where the API listens: `127.0.0.1:8080`, `[::1]:8080`, `:8080` for every address of the machine.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int
    /// Of a socket in the file system, in place of both.
    package var path: String?

    package init(path: String) {
        (host, port) = ("", 0)
        self.path = path
    }

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Nil for a text that is none.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        self.host = host.isEmpty ? "0.0.0.0" : host
        self.port = Int(port)
    }

    /// Whether nobody but this machine can reach it.
    package var isLoopback: Bool {
        path != nil || host == "localhost" || host == "::1" || HostList.isAddress(host) && host.hasPrefix("127.")
    }

    package var description: String { path ?? (host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)") }
}

extension ListenAddress {
    var binding: BindAddress { path.map { .unixDomainSocket(path: $0) } ?? .hostname(host, port: port) }
}

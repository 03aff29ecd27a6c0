package import CarillonDaemon
import Foundation

/// Where an API is: `https://carillon.example.com`, with or without `/api` behind it, as Simple Scheduler's clients have it.
package struct APIAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without a slash at its end, and without `/api`.
    package let base: String
    private let scheme: String
    private let host: String
    package let port: Int

    /// Reads one. Throws `Failure` that names the option.
    package init(_ text: String, option: String) throws(Failure) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty
        else {
            throw Failure.input("\(option): expected an address such as https://carillon.example.com, found '\(text)'")
        }
        guard parts.user == nil, parts.password == nil, parts.query == nil, parts.fragment == nil else {
            throw Failure.input("\(option): an address has no password, query or fragment here")
        }
        var path = parts.path
        while path.hasSuffix("/") { path.removeLast() }
        for suffix in ["/v1", "/api"] where path.hasSuffix(suffix) { path.removeLast(suffix.count) }
        self.scheme = scheme
        self.host = host.lowercased()
        port = parts.port ?? (scheme == "https" ? 443 : 80)
        base = "\(scheme)://\(self.host)" + (parts.port.map { ":\($0)" } ?? "") + path
    }

    package var isSecure: Bool { scheme == "https" }

    /// Whether it is this machine.
    package var isLoopback: Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return ["localhost", "[::1]", "::1"].contains(host)
            || numbers.count == 4 && !numbers.contains(nil) && numbers[0] == 127
    }

    package var description: String { base }
}

extension String {
    /// With everything escaped that has a meaning in an address (RFC 3986, 2.3).
    package var percentEncoded: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }
}

import NIOCore
import NIOSSL

/// What NIOSSL leaves open of a certificate's names.
///
/// NIOSSL takes a certificate for the address that was connected to, even when a name was asked for. Whoever forges the
/// answers of DNS could then do with a certificate for an address of their own, which authorities do sign. RFC 9525,
/// 6.1, has the client match what it was told to connect to, and nothing else.
package enum PeerName {
    /// Throws `Code.unreachable` when the certificate, verified by NIOSSL, is an address's and not the name's.
    static func check(_ pipeline: ChannelPipeline.SynchronousOperations, name: String) throws(RedisError) {
        let handler = try? pipeline.handler(type: NIOSSLClientHandler.self)
        guard let certificate = handler?.peerCertificate else {
            throw RedisError(.unreachable, "TLS failed: the server has no certificate")
        }
        let names = certificate._subjectAlternativeNames()
        // Without an address in it, NIOSSL found the name.
        guard names.contains(where: { $0.nameType == .ipAddress }) else { return }
        let isNamed = names.contains {
            $0.nameType == .dnsName && matches(name, String(decoding: $0.contents, as: UTF8.self))
        }
        guard isNamed else { throw RedisError(.unreachable, "TLS failed: the certificate is not for \(name)") }
    }

    /// Whether a pattern such as `*.example.org` is the name's; the star stands for one whole label (RFC 9525, 6.3).
    package static func matches(_ name: String, _ pattern: String) -> Bool {
        let (name, pattern) = (plain(name), plain(pattern))
        guard pattern.hasPrefix("*.") else { return !name.isEmpty && name == pattern }
        let rest = name.drop { $0 != "." }
        return rest.count < name.count && rest.dropFirst() == pattern.dropFirst(2)
    }

    private static func plain(_ name: String) -> Substring {
        let name = name.lowercased()[...]
        return name.hasSuffix(".") ? name.dropLast() : name
    }
}

/// Where a Frappe site's web server is, and how it is spoken to.
public struct FrappeSiteConfiguration: Sendable {
    /// An address or a name.
    public var host: String
    /// 443 means https.
    public var port: Int
    /// The site's name where one server has many; sent as `Host:`, and the name that a certificate must have.
    public var hostHeader: String?
    /// The whole value of `Authorization:`, such as `token KEY:SECRET`.
    public var token: String
    /// A file of certificates to trust in place of the system's.
    public var caFile: String?
    /// Whether a certificate must be right.
    public var verifies = true
    /// Microseconds that one request may take.
    public var timeout: Int64 = 10_000_000
    /// Tries of one request, the first included, while the server fails.
    public var attempts = 3
    /// Microseconds before the second try; they double.
    public var backoff: Int64 = 250_000

    public init(host: String, port: Int, hostHeader: String? = nil, token: String) {
        self.host = host
        self.port = port
        self.hostHeader = hostHeader
        self.token = token
    }

    var isSecure: Bool { port == 443 }

    /// Without anything secret.
    public var address: String {
        let name = host.contains(":") ? "[\(host)]" : host
        let base = isSecure ? "https://\(name)" : "http://\(name):\(port)"
        return base + (hostHeader.map { " (\($0))" } ?? "")
    }

    /// The name in the address that is asked for: behind TLS it must be the one in the certificate.
    var base: String {
        if isSecure, let name = siteName { return "https://\(name)" }
        let name = host.contains(":") ? "[\(host)]" : host
        return isSecure ? "https://\(name)" : "http://\(name):\(port)"
    }

    /// The host header without its port.
    var siteName: String? {
        guard let header = hostHeader, !header.isEmpty else { return nil }
        return header.split(separator: ":").first.map(String.init)
    }
}

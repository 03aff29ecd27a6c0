/// Where a Frappe site's web server is, and how it is spoken to.
public struct FrappeSiteConfiguration: Sendable {
    /// An address or a name.
    public var host: String
    public var port: Int
    /// Whether https is spoken; on port 443 it is.
    public var isSecure: Bool
    /// The site's name where one server has many; sent as `Host:`, and asked for by TLS.
    public var hostHeader: String?
    /// The whole value of `Authorization:`, such as `token KEY:SECRET`.
    public var token: String
    /// A file of certificates to trust in place of the system's.
    public var caFile: String?
    /// Whether a certificate must be right.
    public var verifies = true
    /// Microseconds that one request may take.
    public var timeout: Int64 = 10_000_000

    public init(host: String, port: Int, hostHeader: String? = nil, token: String) {
        self.host = host
        self.port = port
        isSecure = port == 443
        self.hostHeader = hostHeader
        self.token = token
    }

    /// Without anything secret.
    public var address: String { url(host) + (hostHeader.map { " (\($0))" } ?? "") }

    /// The address that is asked for: behind TLS the certificate must be the name's or the host's.
    var base: String { url(isSecure ? siteName ?? host : host) }

    private func url(_ host: String) -> String {
        let name = host.contains(":") ? "[\(host)]" : host
        return isSecure ? "https://\(name)" + (port == 443 ? "" : ":\(port)") : "http://\(name):\(port)"
    }

    /// The host header without its port.
    var siteName: String? {
        guard let header = hostHeader, !header.isEmpty else { return nil }
        return header.split(separator: ":").first.map(String.init)
    }
}

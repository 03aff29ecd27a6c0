package import CarillonConfiguration
package import ControlAPI

/// `[api]`: where programs and people ask over HTTP, and whose tokens count.
package struct APISettings: SettingsSection {
    /// `[api.oidc]`.
    package struct Provider: Sendable {
        package var issuer = ""
        /// Nil for tokens of any.
        package var audience: String?
        /// Whether it may be asked without TLS.
        package var isInsecure = false
    }

    /// `api.metrics`.
    package enum MetricsAccess: String, Sendable, CaseIterable {
        case open, token
    }

    package var listen = "127.0.0.1:8080"
    /// A socket in the file system that it listens on besides, for a proxy of this machine; nil for none.
    package var socket: String?
    /// What people and other sites call it by, without a slash at its end; nil where nobody has said.
    package var publicURL: String?
    /// What the daemon may be called beside addresses and localhost.
    package var hosts: [String] = []
    /// Nil where it speaks in the clear.
    package var tls: TLSFiles?
    /// Whether it may be reached from elsewhere without TLS.
    package var isInsecure = false
    /// Whether jobs that run programs may be written over it.
    package var takesPrograms = false
    /// Requests a second with one token; nil for any number.
    package var rate: Double?
    package var provider: Provider?
    /// Who may read figures: anybody, or who has a token for it.
    package var metrics = MetricsAccess.token
    /// Tags whose jobs have figures of their own.
    package var metricsTags: [String] = []

    /// Nil for a text that is none; then it was complained of.
    package var address: ListenAddress? { ListenAddress(listen) }

    package static func read(_ settings: inout SettingsTable) -> APISettings? {
        settings.table.table("api") { APISettings(&$0) }
    }

    private init(_ table: inout ConfigTable) {
        listen = table.string("listen") ?? listen
        socket = table.string("socket")
        hosts = table.strings("hosts") ?? []
        if let text = table.string("public_url") { readPublicURL(text, &table) }
        isInsecure = table.bool("insecure") ?? false
        takesPrograms = table.bool("exec") ?? false
        metrics = table.choice("metrics", MetricsAccess.self) ?? metrics
        metricsTags = table.strings("metrics_tags") ?? []
        let files = (table.string("certificate_file"), table.string("key_file"))
        if let certificate = files.0, let key = files.1 {
            tls = TLSFiles(certificate: certificate, key: key)
        } else if files.0 != nil || files.1 != nil {
            table.complain(
                files.0 == nil ? "certificate_file" : "key_file", "a certificate and its key go together")
        }
        rate = table.number("requests_per_second", in: 0.1...1_000_000)
        provider = table.table("oidc") { Self.provider(&$0) } ?? nil
        guard let address else {
            table.complain("listen", "expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080")
            return
        }
        if !address.isLoopback, !isInsecure, tls == nil {
            table.complain(
                "listen",
                "\(address) can be reached from elsewhere: that needs TLS, by api.certificate_file and key_file, or the word "
                    + "api.insecure = true")
        }
    }

    /// Reads what it is called, which is one more name that it answers to.
    private mutating func readPublicURL(_ text: String, _ table: inout ConfigTable) {
        let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count > 2, ["http:", "https:"].contains(parts[0]), parts[1].isEmpty,
            let host = HostList.host(of: String(parts[2])), !text.contains(where: { "?#@ ".contains($0) })
        else {
            return table.complain(
                "public_url", "expected an address such as https://carillon.example.com, found '\(text)'")
        }
        hosts.append(host)
        publicURL = text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private static func provider(_ table: inout ConfigTable) -> Provider? {
        let issuer = table.required("issuer", table.string("issuer"))
        let audience = table.string("audience")
        let isInsecure = table.bool("insecure") ?? false
        guard let issuer else { return nil }
        let parts = issuer.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        let host = parts.count > 2 && parts[1].isEmpty ? HostList.host(of: String(parts[2])) : nil
        switch (parts[0], host) {
        case ("https:", .some): break
        case ("http:", let host?) where isInsecure || ListenAddress(host: host, port: 0).isLoopback: break
        case ("http:", .some):
            table.complain(
                "issuer", "its keys would come without TLS; api.oidc.insecure = true takes them all the same")
        default: table.complain("issuer", "expected an address that begins with https://")
        }
        return Provider(issuer: issuer, audience: audience, isInsecure: isInsecure)
    }
}

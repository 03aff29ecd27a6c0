/// The cookie by which a browser shows whose session it has (RFC 6265bis).
package struct SessionCookie: Sendable {
    /// Whether it goes over TLS, or to this machine, alone; a browser then lets no other host set it.
    package let isSecure: Bool

    package init(isSecure: Bool) { self.isSecure = isSecure }

    private var name: String { isSecure ? "__Host-carillon" : "carillon" }

    /// What keeps other sites from having it sent with what they send.
    private var attributes: String { "; Path=/; HttpOnly; SameSite=Lax" + (isSecure ? "; Secure" : "") }

    /// Reads the secret that a request shows; nil where it shows none.
    package func secret(in header: String?) -> String? { Self.value(of: name, in: header).map(String.init) }

    /// A value for `Set-Cookie`.
    package func setting(_ secret: String, seconds: Int64) -> String {
        "\(name)=\(secret)\(attributes); Max-Age=\(seconds)"
    }

    /// A value for `Set-Cookie` that removes it.
    package var removing: String { "\(name)=\(attributes); Max-Age=0" }

    /// Reads the value of a cookie from what a request says of all; nil for one that is not there.
    package static func value(of name: String, in header: String?) -> Substring? {
        for pair in header?.split(separator: ";") ?? [] {
            let parts = pair.trimming { $0 == " " }.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, parts[0] == name { return parts[1] }
        }
        return nil
    }
}

/// What of an API's server is for browsers: pages, and whoever has a session.
package struct WebSide: Sendable {
    package var cookie: SessionCookie
    /// Makes the page that says why a request was refused; it hears where somebody may go on once they are let in.
    package var refusal: @Sendable (_ error: APIError, _ uri: String, _ headers: [String: String]) -> Answer

    package init(
        cookie: SessionCookie,
        refusal: @escaping @Sendable (_ error: APIError, _ uri: String, _ headers: [String: String]) -> Answer
    ) {
        self.cookie = cookie
        self.refusal = refusal
    }
}

/// Which names a request may call this daemon by: a page of another site that has its own name point here is none of them, so that no
/// browser can be made to speak for its user (DNS rebinding).
package struct HostList: Sendable {
    private let names: Set<String>

    /// `names` are those beside addresses and `localhost`, without a port; `*` is any.
    package init(_ names: [String]) { self.names = Set(names.map { $0.lowercased() }) }

    /// Whether a request with this `Host`, or authority, is for this daemon.
    package func contains(_ authority: String) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        if names.contains("*") { return true }
        let isOwn = host == "localhost" || host.hasSuffix(".localhost") || names.contains(host)
        return isOwn || Self.isAddress(host)
    }

    /// The name without its port; nil for what is none.
    package static func host(of authority: String) -> String? {
        let text = authority.lowercased()
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]"), isPort(text[text.index(after: end)...]) else { return nil }
            return String(text[text.index(after: text.startIndex)..<end])
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return nil }
        if parts.count == 2, !isPort(":" + parts[1]) { return nil }
        return String(name)
    }

    private static func isPort(_ text: some StringProtocol) -> Bool {
        text.isEmpty || text.first == ":" && UInt16(text.dropFirst()) != nil
    }

    /// Whether it is an address, which no name server gives away.
    static func isAddress(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) { return true }
        return host.contains(":") && host.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
}

package import CarillonConfiguration

/// `[notify.email]`: what is told by mail, and through which server.
package struct MailSettings: SettingsSection {
    package enum Occasion: String, Sendable, CaseIterable { case failed, missed, queued }
    package enum Security: String, Sendable, CaseIterable {
        /// Begins in the clear and must go over to TLS.
        case starttls
        /// TLS from the first byte.
        case tls
        /// TLS when the server offers it.
        case opportunistic
        case none
    }

    package var from = ""
    package var to: [String] = []
    package var host = ""
    package var port: Int64 = 587
    package var user: String?
    package var password: String?
    package var security = Security.starttls
    package var caFile: String?
    package var verifies = true
    package var on: Set<Occasion> = [.failed, .missed]
    /// Whether times missed within less than a minute are told too.
    package var tellsShortGaps = false

    package static func read(_ settings: inout SettingsTable) -> MailSettings? {
        settings.table.table("notify") { notify in notify.table("email") { MailSettings(&$0) } } ?? nil
    }

    private init(_ table: inout ConfigTable) {
        from = table.required("from", table.string("from")) ?? ""
        to = table.required("to", table.strings("to")) ?? []
        host = table.required("host", table.string("host")) ?? ""
        port = table.integer("port", in: 1...65_535) ?? port
        user = table.string("user")
        password = table.secret("password")
        security = table.choice("security", Security.self) ?? Self.security(ofPort: port)
        caFile = table.string("ca_file")
        verifies = table.bool("verify") ?? true
        tellsShortGaps = table.bool("short_gaps") ?? false
        if let words = table.strings("on") {
            on = Set(words.compactMap { Occasion(rawValue: $0) })
            if on.count != words.count { table.complain("on", "expected some of \"failed\", \"missed\", \"queued\"") }
        }
    }

    /// Says what a port is by custom: 465 TLS (RFC 8314), 587 STARTTLS, others whatever the server offers.
    private static func security(ofPort port: Int64) -> Security {
        switch port {
        case 465: .tls
        case 587: .starttls
        default: .opportunistic
        }
    }
}

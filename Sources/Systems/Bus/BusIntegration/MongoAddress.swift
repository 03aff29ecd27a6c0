/// A connection string of MongoDB in its parts, as far as one of them is to change.
struct MongoAddress {
    private var scheme: Substring
    private var user: Substring?
    private var hosts: Substring
    /// Empty where it names none.
    private var database: Substring
    /// What stands behind the question mark.
    private var options: Substring

    /// Nil for a text that begins as no such string does.
    init?(_ text: String) {
        guard let scheme = ["mongodb://", "mongodb+srv://"].first(where: text.hasPrefix) else { return nil }
        self.scheme = scheme[...]
        var rest = text.dropFirst(scheme.count)
        options = ""
        if let mark = rest.firstIndex(of: "?") {
            options = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        database = ""
        if let slash = rest.firstIndex(of: "/") {
            database = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        }
        hosts = rest
        if let at = rest.lastIndex(of: "@") {
            user = rest[..<at]
            hosts = rest[rest.index(after: at)...]
        }
    }

    var namesDatabase: Bool { !database.isEmpty }

    /// Names another database for the collections; where a user logs in stays as it is.
    mutating func use(_ name: String) {
        let name = name.utf8.map(Self.written).joined()
        guard name != database else { return }
        // A driver logs in to the database that an address names, and to `admin` where it names none.
        if user != nil, !has("authsource"), !has("authmechanism") || mechanismHasUsersInDatabase {
            options += (options.isEmpty ? "" : "&") + "authSource=" + (database.isEmpty ? "admin" : database)
        }
        database = name[...]
    }

    /// As a connection string.
    var text: String {
        scheme + (user.map { $0 + "@" } ?? "") + hosts + "/" + database + (options.isEmpty ? "" : "?" + options)
    }

    /// The values of an option, whose name is in small letters.
    private func values(_ name: String) -> [Substring] {
        options.split(separator: "&").compactMap { option in
            let parts = option.split(separator: "=", maxSplits: 1)
            return parts.first?.lowercased() == name ? parts.dropFirst().first ?? "" : nil
        }
    }

    private func has(_ name: String) -> Bool { !values(name).isEmpty }

    /// The users of other mechanisms are in no database of the server's.
    private var mechanismHasUsersInDatabase: Bool {
        values("authmechanism").allSatisfy { $0.uppercased().hasPrefix("SCRAM-") }
    }

    private static func written(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
            String(UnicodeScalar(byte))
        default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
}

/// As JSON, by the keys of the file.
extension ConfigNode: Encodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { nil }
        init?(intValue: Int) { nil }
    }

    public func encode(to encoder: any Encoder) throws {
        if case .table(let entries) = value {
            var container = encoder.container(keyedBy: Key.self)
            for (key, node) in entries { try container.encode(node, forKey: Key(key)) }
            return
        }
        var one = encoder.singleValueContainer()
        switch value {
        case .null: try one.encodeNil()
        case .bool(let flag): try one.encode(flag)
        case .integer(let number): try one.encode(number)
        case .bigInteger(let digits): try one.encode(digits)
        // JSON has no number that is not finite.
        case .double(let number): if number.isFinite { try one.encode(number) } else { try one.encode("\(number)") }
        case .string(let text): try one.encode(text)
        case .array(let nodes): try one.encode(nodes)
        case .table: break
        }
    }
}

extension ConfigNode {
    /// What stands in a secret's place.
    private static let mask = "(not shown)"

    /// The same without what may be a secret: whatever stands under a name that speaks of one, such as `API_TOKEN` among a
    /// program's variables, and passwords in addresses.
    package var masked: ConfigNode {
        switch value {
        case .table(let entries):
            ConfigNode(
                .table(
                    entries.map { key, node in
                        (key, Self.isSecret(key) ? ConfigNode(.string(Self.mask)) : node.masked)
                    }))
        case .array(let nodes): ConfigNode(.array(nodes.map(\.masked)))
        case .string(let text): ConfigNode(.string(text.withoutPasswords))
        default: self
        }
    }

    static func isSecret(_ key: String) -> Bool {
        let key = key.lowercased()
        if ["pass", "pwd"].contains(key) { return true }
        return [
            "password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "credential", "private_key",
        ]
        .contains { key.contains($0) }
    }
}

extension String {
    /// The text with the passwords of the addresses in it left out (RFC 3986, section 3.2.1): `scheme://user:...@host`.
    var withoutPasswords: String {
        replacing(#/(?<before>://[^\s/@:]*:)[^\s/@]+@/#) { "\($0.output.before)...@" }
    }
}

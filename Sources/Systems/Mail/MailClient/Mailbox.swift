#if Mail
    /// Whom a mail is from or for: an address, perhaps with a name (RFC 5322, 3.4).
    public struct Mailbox: Hashable, Sendable, CustomStringConvertible {
        /// Empty for none.
        public let name: String
        /// ASCII, without angle brackets.
        public let address: String

        /// Takes `ops@example.com`, `Operations <ops@example.com>`, and `root` for a server that knows its own people.
        ///
        /// Nil for anything else: addresses with quotes, with spaces, or beyond ASCII, and names with line breaks.
        public init?(_ text: String) {
            let trimmed = text.trimmed
            guard trimmed.hasSuffix(">"), let open = trimmed.lastIndex(of: "<") else {
                self.init(name: "", address: trimmed)
                return
            }
            let name = String(trimmed[..<open]).trimmed
            let isQuoted = name.count > 1 && name.hasPrefix("\"") && name.hasSuffix("\"")
            self.init(
                name: isQuoted ? String(name.dropFirst().dropLast()) : name,
                address: String(trimmed[trimmed.index(after: open)...].dropLast()))
        }

        private init?(name: String, address: String) {
            guard Self.isAddress(address), !name.unicodeScalars.contains(where: \.isControl) else { return nil }
            self.name = name
            self.address = address
        }

        public var description: String { name.isEmpty ? address : "\(name) <\(address)>" }

        /// As a header has it.
        var header: String {
            if name.isEmpty { return address }
            let isPlain = name.utf8.count <= 60 && name.utf8.allSatisfy { 0x20...0x7e ~= $0 }
            if !isPlain || name.contains("=?") { return EncodedWords.encode(name) + " <\(address)>" }
            return "\"" + name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\" <\(address)>"
        }

        /// Whether it is dot-strings of RFC 5321, 4.1.2, and a domain or a literal; at most 254 octets (its 4.5.3.1).
        private static func isAddress(_ text: String) -> Bool {
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            guard 1...2 ~= parts.count, text.utf8.count <= 254, 1...64 ~= parts[0].utf8.count,
                !parts[0].hasPrefix("."), !parts[0].hasSuffix("."), !parts[0].contains(".."),
                parts[0].utf8.allSatisfy({ isLetterOrDigit($0) || ".!#$%&'*+-/=?^_`{|}~".utf8.contains($0) })
            else { return false }
            guard parts.count == 2 else { return true }
            let domain = parts[1]
            let isLiteral = domain.hasPrefix("[") && domain.hasSuffix("]")
            let inner = isLiteral ? domain.dropFirst().dropLast() : domain
            return !inner.isEmpty
                && inner.utf8.allSatisfy { isLetterOrDigit($0) || (isLiteral ? ".:" : ".-").utf8.contains($0) }
        }

        private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                true
            default: false
            }
        }
    }

    extension Unicode.Scalar {
        /// Nothing that a header may have in it: controls, and what some take for the end of a line.
        var isControl: Bool { properties.generalCategory == .control || value == 0x2028 || value == 0x2029 }
    }

    extension String {
        var trimmed: String {
            let start = drop(while: \.isWhitespace)
            return String(
                start.prefix(upTo: start.lastIndex { !$0.isWhitespace }.map(start.index(after:)) ?? start.startIndex))
        }
    }
#endif

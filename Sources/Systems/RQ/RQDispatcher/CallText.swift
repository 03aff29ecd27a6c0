import CarillonCore

/// The call as RQ describes it in a worker's log: `shop.tasks.sync(1, {'a': 'ü'}, dry=False)`.
package struct CallText {
    /// RQ shortens long arguments in its own way; here the whole text ends after this many characters.
    private static let longest = 500

    /// In UTF-8, which grows faster than a string.
    private var text: [UInt8] = []

    package static func describe(_ target: RQTarget) -> String {
        if let given = target.describedAs { return given }
        var writer = CallText()
        writer.text.reserveCapacity(256)
        writer.put(target.function)
        writer.put("(")
        writer.write(target.arguments) { $0.write($1) }
        if !target.arguments.isEmpty, !target.keywords.isEmpty { writer.put(", ") }
        // RQ sorts the names.
        writer.write(target.keywords.sorted { $0.key < $1.key }) {
            $0.put($1.key)
            $0.put("=")
            $0.write($1.value)
        }
        writer.put(")")
        let text = String(decoding: writer.text, as: UTF8.self)
        // Bytes are counted faster.
        return text.utf8.count > longest && text.count > longest ? text.prefix(longest - 1) + "…" : text
    }

    /// Writes as Python's `repr` does.
    private mutating func write(_ value: PlainValue) {
        switch value {
        case .null: put("None")
        case .bool(let bool): put(bool ? "True" : "False")
        case .integer(let number): put(String(number))
        case .bigInteger(let digits): put(digits)
        case .double(let number): put("\(number)")
        case .text(let string): quote(string)
        case .list(let values):
            put("[")
            write(values) { $0.write($1) }
            put("]")
        case .map(let entries):
            put("{")
            write(entries) {
                $0.quote($1.key)
                $0.put(": ")
                $0.write($1.value)
            }
            put("}")
        }
    }

    private mutating func put(_ string: String) { text.append(contentsOf: string.utf8) }

    private mutating func write<T>(_ all: [T], _ one: (inout CallText, T) -> Void) {
        for (index, element) in all.enumerated() {
            if index > 0 { put(", ") }
            one(&self, element)
        }
    }

    private mutating func quote(_ string: String) {
        let bytes = string.utf8
        let quote = bytes.contains(UInt8(ascii: "'")) && !bytes.contains(UInt8(ascii: "\"")) ? "\"" : "'"
        put(quote)
        if bytes.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "'") }) {
            for character in string { put(Self.escape(character, in: quote)) }
        } else {
            put(string)
        }
        put(quote)
    }

    private static func escape(_ character: Character, in quote: String) -> String {
        switch character {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\r\n": "\\r\\n"
        case "\t": "\\t"
        case "\\": "\\\\"
        default: String(character) == quote ? "\\" + quote : String(character)
        }
    }
}

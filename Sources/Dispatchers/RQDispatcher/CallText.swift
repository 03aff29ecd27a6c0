import CarillonCore

/// The call as RQ describes it in a worker's log: `shop.tasks.sync(1, {'a': 'ü'}, dry=False)`.
package struct CallText {
    /// RQ shortens long arguments in its own way; here the whole text ends after this many characters.
    private static let longest = 500

    private var text = ""

    package static func describe(_ target: RQTarget) -> String {
        if let given = target.describedAs { return given }
        var writer = CallText()
        writer.text.reserveCapacity(128)
        writer.text += target.function
        writer.text += "("
        writer.write(target.arguments) { $0.write($1) }
        if !target.arguments.isEmpty, !target.keywords.isEmpty { writer.text += ", " }
        // RQ sorts the names.
        writer.write(target.keywords.sorted { $0.key < $1.key }) {
            $0.text += $1.key
            $0.text += "="
            $0.write($1.value)
        }
        writer.text += ")"
        let text = writer.text
        // Bytes are counted faster.
        return text.utf8.count > longest && text.count > longest ? text.prefix(longest - 1) + "…" : text
    }

    /// As Python's `repr` writes it.
    private mutating func write(_ value: PlainValue) {
        switch value {
        case .null: text += "None"
        case .bool(let bool): text += bool ? "True" : "False"
        case .integer(let number): text += String(number)
        case .bigInteger(let digits): text += digits
        case .double(let number): text += "\(number)"
        case .text(let string): quote(string)
        case .list(let values):
            text += "["
            write(values) { $0.write($1) }
            text += "]"
        case .map(let entries):
            text += "{"
            write(entries) {
                $0.quote($1.key)
                $0.text += ": "
                $0.write($1.value)
            }
            text += "}"
        }
    }

    private mutating func write<T>(_ all: [T], _ one: (inout CallText, T) -> Void) {
        for (index, element) in all.enumerated() {
            if index > 0 { text += ", " }
            one(&self, element)
        }
    }

    private mutating func quote(_ string: String) {
        let bytes = string.utf8
        let quote = bytes.contains(UInt8(ascii: "'")) && !bytes.contains(UInt8(ascii: "\"")) ? "\"" : "'"
        text += quote
        if bytes.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "'") }) {
            for character in string { text += Self.escape(character, in: quote) }
        } else {
            text += string
        }
        text += quote
    }

    private static func escape(_ character: Character, in quote: String) -> String {
        switch character {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\\": "\\\\"
        default: String(character) == quote ? "\\" + quote : String(character)
        }
    }
}

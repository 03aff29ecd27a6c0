import CarillonCore

/// Reads JSON strictly as RFC 8259 has it, with the line of every value.
struct JSONDocument {
    private var scanner: DocumentScanner

    static func read(_ text: String, path: String) throws(ConfigProblem) -> ConfigNode {
        var document = JSONDocument(scanner: DocumentScanner(text, source: path))
        document.skipSpace()
        // As in the other formats, an empty file is one without jobs.
        if document.scanner.isAtEnd { return ConfigNode(.table([]), line: 1) }
        let node = try document.value()
        document.skipSpace()
        guard document.scanner.isAtEnd else { throw document.unexpected("nothing more") }
        return node
    }

    private func unexpected(_ expected: String) -> ConfigProblem {
        scanner.problem("expected \(expected), found \(scanner.found)")
    }

    private mutating func skipSpace() {
        while let byte = scanner.byte, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
            if byte == 0x0a { scanner.line += 1 }
            scanner.at += 1
        }
    }

    private mutating func value() throws(ConfigProblem) -> ConfigNode {
        try scanner.count()
        let line = scanner.line
        switch scanner.byte {
        case UInt8(ascii: "{"): return ConfigNode(.table(try members()), line: line)
        case UInt8(ascii: "["): return ConfigNode(.array(try elements()), line: line)
        case UInt8(ascii: "\""): return ConfigNode(.string(try string()), line: line)
        case UInt8(ascii: "-"): return try number()
        case let byte? where (0x30...0x39).contains(byte): return try number()
        default: break
        }
        let words: [(StaticString, ConfigNode.Value)] = [
            ("true", .bool(true)), ("false", .bool(false)), ("null", .null),
        ]
        for (word, value) in words where scanner.has(word) {
            scanner.at += word.utf8CodeUnitCount
            return ConfigNode(value, line: line, written: value.isNull ? nil : "\(word)")
        }
        throw unexpected("a value")
    }

    private mutating func members() throws(ConfigProblem) -> [(key: String, value: ConfigNode)] {
        try scanner.enter()
        scanner.at += 1
        var entries: [(key: String, value: ConfigNode)] = []
        var keys = KeySet()
        skipSpace()
        while !scanner.skip(UInt8(ascii: "}")) {
            if !entries.isEmpty {
                guard scanner.skip(UInt8(ascii: ",")) else { throw unexpected("',' or '}'") }
                skipSpace()
            }
            guard scanner.byte == UInt8(ascii: "\"") else { throw unexpected("a key in double quotes") }
            let line = scanner.line
            let key = try string()
            guard keys.insert(key, among: entries) else {
                throw scanner.problem("stands here twice", key: key, line: line)
            }
            skipSpace()
            guard scanner.skip(UInt8(ascii: ":")) else { throw unexpected("':'") }
            skipSpace()
            var node = try value()
            node.line = line
            entries.append((key, node))
            skipSpace()
        }
        scanner.leave()
        return entries
    }

    private mutating func elements() throws(ConfigProblem) -> [ConfigNode] {
        try scanner.enter()
        scanner.at += 1
        var nodes: [ConfigNode] = []
        skipSpace()
        while !scanner.skip(UInt8(ascii: "]")) {
            if !nodes.isEmpty {
                guard scanner.skip(UInt8(ascii: ",")) else { throw unexpected("',' or ']'") }
                skipSpace()
            }
            nodes.append(try value())
            skipSpace()
        }
        scanner.leave()
        return nodes
    }

    private mutating func number() throws(ConfigProblem) -> ConfigNode {
        let start = scanner.at
        _ = scanner.skip(UInt8(ascii: "-"))
        let isZero = scanner.byte == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0, !isZero || whole == 1 else { throw unexpected(whole > 1 ? "no leading zero" : "a digit") }
        var isWhole = true
        if scanner.skip(UInt8(ascii: ".")) {
            isWhole = false
            guard digits() > 0 else { throw unexpected("a digit") }
        }
        if scanner.skip(UInt8(ascii: "e")) || scanner.skip(UInt8(ascii: "E")) {
            isWhole = false
            if !scanner.skip(UInt8(ascii: "-")) { _ = scanner.skip(UInt8(ascii: "+")) }
            guard digits() > 0 else { throw unexpected("a digit") }
        }
        let text = scanner.text(start..<scanner.at)
        if isWhole { return ConfigNode(.whole(decimal: text), line: scanner.line, written: text) }
        guard let double = Double(text), double.isFinite else { throw scanner.problem("\(text) is out of range") }
        return ConfigNode(.double(double), line: scanner.line, written: text)
    }

    /// Steps over digits and counts them.
    private mutating func digits() -> Int {
        let start = scanner.at
        while let byte = scanner.byte, (0x30...0x39).contains(byte) { scanner.at += 1 }
        return scanner.at - start
    }

    private mutating func string() throws(ConfigProblem) -> String {
        scanner.at += 1
        let start = scanner.at
        // Most texts have no escapes, and are taken as they stand.
        while let byte = scanner.byte, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            scanner.at += 1
        }
        if scanner.skip(UInt8(ascii: "\"")) { return scanner.text(start..<(scanner.at - 1)) }
        var bytes = Array(scanner.bytes[start..<scanner.at])
        while let byte = scanner.byte, byte >= 0x20 {
            scanner.at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): bytes.append(try escaped())
            default: bytes.append(byte)
            }
        }
        throw unexpected("the end of a text, '\"'")
    }

    private mutating func escaped() throws(ConfigProblem) -> Unicode.Scalar {
        guard let byte = scanner.byte else { throw unexpected("an escape") }
        scanner.at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try codePoint()
        default:
            scanner.at -= 1
            throw unexpected("an escape (one of \"\\/bfnrtu)")
        }
    }

    /// Reads what `\uXXXX` means; past 16 bits a character is a pair of them.
    private mutating func codePoint() throws(ConfigProblem) -> Unicode.Scalar {
        let first = try scanner.hexadecimal(4)
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xdc00, scanner.has("\\u") {
            scanner.at += 2
            let second = try scanner.hexadecimal(4)
            if (0xdc00...0xdfff).contains(second),
                let scalar = Unicode.Scalar(0x10000 + ((first - 0xd800) << 10 | (second - 0xdc00)))
            {
                return scalar
            }
        }
        throw scanner.problem("\\u\(String(first, radix: 16)) is half of a pair, and stands alone")
    }
}

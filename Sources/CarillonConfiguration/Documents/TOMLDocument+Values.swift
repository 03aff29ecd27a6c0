import CarillonCore

extension TOMLDocument {
    mutating func value() throws(ConfigProblem) -> ConfigNode {
        try scanner.count()
        let line = scanner.line
        switch scanner.byte {
        case UInt8(ascii: "\""):
            return ConfigNode(.string(scanner.has("\"\"\"") ? try longBasicText() : try basicText()), line: line)
        case UInt8(ascii: "'"):
            return ConfigNode(.string(scanner.has("'''") ? try longLiteralText() : try literalText()), line: line)
        case UInt8(ascii: "["): return ConfigNode(.array(try elements()), line: line)
        case UInt8(ascii: "{"): return try inlineTable()
        default: return try word()
        }
    }

    private mutating func elements() throws(ConfigProblem) -> [ConfigNode] {
        try scanner.enter()
        scanner.at += 1
        var nodes: [ConfigNode] = []
        try skipBlank()
        while !scanner.skip(UInt8(ascii: "]")) {
            nodes.append(try value())
            try skipBlank()
            if scanner.skip(UInt8(ascii: ",")) {
                try skipBlank()
            } else if scanner.byte != UInt8(ascii: "]") {
                throw unexpected("',' or ']'")
            }
        }
        scanner.leave()
        return nodes
    }

    private mutating func inlineTable() throws(ConfigProblem) -> ConfigNode {
        try scanner.enter()
        let line = scanner.line
        scanner.at += 1
        let table = TOMLTable(.header, line: line)
        skipSpace()
        var isFirst = true
        while !scanner.skip(UInt8(ascii: "}")) {
            if !isFirst {
                guard scanner.skip(UInt8(ascii: ",")) else { throw unexpected("',' or '}'") }
            }
            isFirst = false
            let line = scanner.line
            let (keys, value) = try pair()
            try Self.place(value, keys, in: table, 0, line, scanner)
            skipSpace()
        }
        scanner.leave()
        return table.node
    }

    /// Reads what stands without quotes: true, false, a number, a date.
    private mutating func word() throws(ConfigProblem) -> ConfigNode {
        let start = scanner.at
        while let byte = scanner.byte, Self.isOfWord(byte) { scanner.at += 1 }
        // A date and its time may have a blank between them.
        if scanner.at - start == 10, scanner.byte == 0x20, let next = scanner.byte(after: 1), Self.isDigit(next),
            TOMLDate.isDate(scanner.bytes[start..<scanner.at])
        {
            scanner.at += 1
            while let byte = scanner.byte, Self.isOfWord(byte) { scanner.at += 1 }
        }
        guard scanner.at > start else { throw unexpected("a value") }
        let text = scanner.text(start..<scanner.at)
        if text == "true" || text == "false" {
            return ConfigNode(.bool(text == "true"), line: scanner.line, written: text)
        }
        if TOMLDate.isOne(scanner.bytes[start..<scanner.at]) { return ConfigNode(.string(text), line: scanner.line) }
        guard let number = TOMLNumber.value(of: text) else {
            throw scanner.problem("'\(text)' is no value; text stands in quotes")
        }
        return ConfigNode(number, line: scanner.line, written: text)
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"), UInt8(ascii: "["),
            UInt8(ascii: "{"), UInt8(ascii: "="), UInt8(ascii: "\""), UInt8(ascii: "'"), 0...0x20, 0x7f:
            false
        default: true
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    // MARK: Text

    mutating func literalText() throws(ConfigProblem) -> String {
        scanner.at += 1
        let start = scanner.at
        while let byte = scanner.byte, byte != UInt8(ascii: "'"), !Self.isControl(byte) { scanner.at += 1 }
        guard scanner.skip(UInt8(ascii: "'")) else { throw unexpected("the end of a text, \"'\"") }
        return scanner.text(start..<(scanner.at - 1))
    }

    mutating func basicText() throws(ConfigProblem) -> String {
        scanner.at += 1
        let start = scanner.at
        // Most texts have no escapes, and are taken as they stand.
        while let byte = scanner.byte, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), !Self.isControl(byte) {
            scanner.at += 1
        }
        if scanner.skip(UInt8(ascii: "\"")) { return scanner.text(start..<(scanner.at - 1)) }
        var bytes = Array(scanner.bytes[start..<scanner.at])
        while let byte = scanner.byte, !Self.isControl(byte) {
            scanner.at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): bytes.append(try escaped())
            default: bytes.append(byte)
            }
        }
        throw unexpected("the end of a text, '\"'")
    }

    private mutating func longLiteralText() throws(ConfigProblem) -> String {
        try longText(UInt8(ascii: "'"))
    }

    private mutating func longBasicText() throws(ConfigProblem) -> String {
        try longText(UInt8(ascii: "\""))
    }

    private mutating func longText(_ quote: UInt8) throws(ConfigProblem) -> String {
        let start = scanner.line
        scanner.at += 3
        // A newline right after the quotes does not count.
        _ = skipNewline()
        var bytes: [UInt8] = []
        while let byte = scanner.byte {
            if byte == quote, scanner.byte(after: 1) == quote, scanner.byte(after: 2) == quote {
                scanner.at += 3
                // One or two quotes may stand right before the three at its end.
                for _ in 0..<2 where scanner.skip(quote) { bytes.append(quote) }
                return String(decoding: bytes, as: UTF8.self)
            }
            if byte == 0x0a || byte == 0x0d && scanner.byte(after: 1) == 0x0a {
                _ = skipNewline()
                bytes.append(0x0a)
                continue
            }
            if Self.isControl(byte) { throw scanner.problem("a text holds \(scanner.found)") }
            scanner.at += 1
            guard byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") else {
                bytes.append(byte)
                continue
            }
            if try !skipLineEnd() { bytes.append(try escaped()) }
        }
        throw scanner.problem("the text that begins here has no end", line: start)
    }

    /// Skips, after a backslash, the end of the line, and all blanks up to the next character.
    private mutating func skipLineEnd() throws(ConfigProblem) -> Bool {
        var ahead = 0
        while let byte = scanner.byte(after: ahead), byte == 0x20 || byte == 0x09 { ahead += 1 }
        guard let byte = scanner.byte(after: ahead), byte == 0x0a || byte == 0x0d else { return false }
        scanner.at += ahead
        while skipNewline() { skipSpace() }
        return true
    }

    private mutating func escaped() throws(ConfigProblem) -> Unicode.Scalar {
        guard let byte = scanner.byte else { throw unexpected("an escape") }
        scanner.at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let number = try scanner.hexadecimal(byte == UInt8(ascii: "u") ? 4 : 8)
            guard let scalar = Unicode.Scalar(number) else {
                throw scanner.problem("\\\(Unicode.Scalar(byte))\(String(number, radix: 16)) is no character")
            }
            return scalar
        default:
            scanner.at -= 1
            throw unexpected("an escape (one of \"\\bfnrtuU)")
        }
    }
}

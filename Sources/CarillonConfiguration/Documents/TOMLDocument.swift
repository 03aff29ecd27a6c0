import CarillonCore

/// Reads TOML 1.0 (toml.io) with the line of every value; its dates are text as written.
struct TOMLDocument {
    var scanner: DocumentScanner
    private let root = TOMLTable(.header, line: 1)
    /// Where keys belong just now.
    private var table: TOMLTable
    private var headers = 0

    static func read(_ text: String, path: String) throws(ConfigProblem) -> ConfigNode {
        var document = TOMLDocument(DocumentScanner(text, source: path))
        try document.read()
        return document.root.node
    }

    private init(_ scanner: DocumentScanner) {
        self.scanner = scanner
        table = root
    }

    private mutating func read() throws(ConfigProblem) {
        while true {
            try skipBlank()
            guard let byte = scanner.byte else { return }
            if byte == UInt8(ascii: "[") { try header() } else { try entry() }
            try endLine()
        }
    }

    func unexpected(_ expected: String) -> ConfigProblem {
        scanner.problem("expected \(expected), found \(scanner.found)")
    }

    // MARK: Headers

    private mutating func header() throws(ConfigProblem) {
        let line = scanner.line
        scanner.at += 1
        let isArray = scanner.skip(UInt8(ascii: "["))
        let keys = try keys()
        guard scanner.skip(UInt8(ascii: "]")), !isArray || scanner.skip(UInt8(ascii: "]")) else {
            throw unexpected(isArray ? "']]'" : "']'")
        }
        try scanner.count()
        headers += 1
        var table = root
        for key in keys.dropLast() { table = try open(key, in: table, line) }
        guard let last = keys.last else { return }
        let new = TOMLTable(.header, line: line)
        switch (table[last], isArray) {
        case (nil, false):
            table[last] = .table(new)
            self.table = new
        case (nil, true):
            table[last] = .tables(TOMLTables(new, line: line))
            self.table = new
        case (.tables(let tables), true):
            tables.all.append(new)
            self.table = new
        case (.table(let known), false):
            guard case .path = known.origin else { throw again(keys, line) }
            known.origin = .header
            self.table = known
        default: throw again(keys, line)
        }
    }

    private func again(_ keys: [String], _ line: Int) -> ConfigProblem {
        scanner.problem("stands here twice", key: keys.joined(separator: "."), line: line)
    }

    /// Opens the table on the way to another one.
    private func open(_ key: String, in table: TOMLTable, _ line: Int) throws(ConfigProblem) -> TOMLTable {
        switch table[key] {
        case .table(let inner): return inner
        case .tables(let tables):
            if let last = tables.all.last { return last }
        case .value: throw scanner.problem("is no table that could hold more", key: key, line: line)
        case nil: break
        }
        let inner = TOMLTable(.path, line: line)
        table[key] = .table(inner)
        return inner
    }

    // MARK: Keys

    private mutating func entry() throws(ConfigProblem) {
        let line = scanner.line
        let (keys, value) = try pair()
        try Self.place(value, keys, in: table, headers, line, scanner)
    }

    /// Reads `key = value`, as it stands in a section and in an inline table.
    mutating func pair() throws(ConfigProblem) -> (keys: [String], value: ConfigNode) {
        let keys = try keys()
        guard scanner.skip(UInt8(ascii: "=")) else { throw unexpected("'='") }
        skipSpace()
        return (keys, try value())
    }

    static func place(
        _ value: ConfigNode, _ keys: [String], in table: TOMLTable, _ header: Int, _ line: Int,
        _ scanner: DocumentScanner
    ) throws(ConfigProblem) {
        var table = table
        for key in keys.dropLast() {
            switch table[key] {
            case .table(let inner):
                switch inner.origin {
                case .path: inner.origin = .dots(header: header)
                case .dots(header): break
                case .dots, .header:
                    throw scanner.problem("has a header of its own, where its keys belong", key: key, line: line)
                }
                table = inner
            case nil:
                let inner = TOMLTable(.dots(header: header), line: line)
                table[key] = .table(inner)
                table = inner
            case .value, .tables: throw scanner.problem("is no table that could hold more", key: key, line: line)
            }
        }
        guard let last = keys.last, table[last] == nil else {
            throw scanner.problem("stands here twice", key: keys.joined(separator: "."), line: line)
        }
        var value = value
        value.line = line
        table[last] = .value(value)
    }

    /// Reads the parts of a dotted key, and the blanks around it.
    private mutating func keys() throws(ConfigProblem) -> [String] {
        var keys: [String] = []
        repeat {
            guard keys.count < Bounds.depth else { throw scanner.problem("a key has more than \(Bounds.depth) parts") }
            skipSpace()
            switch scanner.byte {
            case UInt8(ascii: "\""): keys.append(try basicText())
            case UInt8(ascii: "'"): keys.append(try literalText())
            default:
                let start = scanner.at
                while let byte = scanner.byte, Self.isBare(byte) { scanner.at += 1 }
                guard scanner.at > start else { throw unexpected("a key") }
                keys.append(scanner.text(start..<scanner.at))
            }
            skipSpace()
        } while scanner.skip(UInt8(ascii: "."))
        return keys
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    // MARK: What stands between

    mutating func skipSpace() {
        while let byte = scanner.byte, byte == 0x20 || byte == 0x09 { scanner.at += 1 }
    }

    /// Skips a newline, or a carriage return and one.
    mutating func skipNewline() -> Bool {
        if scanner.byte == 0x0d, scanner.byte(after: 1) == 0x0a { scanner.at += 1 }
        guard scanner.skip(0x0a) else { return false }
        scanner.line += 1
        return true
    }

    /// Skips blanks, comments and ends of lines.
    mutating func skipBlank() throws(ConfigProblem) {
        repeat {
            skipSpace()
            try skipComment()
        } while skipNewline()
    }

    private mutating func skipComment() throws(ConfigProblem) {
        guard scanner.byte == UInt8(ascii: "#") else { return }
        while let byte = scanner.byte, byte != 0x0a {
            if byte == 0x0d, scanner.byte(after: 1) == 0x0a { return }
            if Self.isControl(byte) { throw scanner.problem("a comment holds \(scanner.found)") }
            scanner.at += 1
        }
    }

    private mutating func endLine() throws(ConfigProblem) {
        skipSpace()
        try skipComment()
        if !scanner.isAtEnd, !skipNewline() { throw unexpected("the end of the line") }
    }

    static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x09 || byte == 0x7f }
}

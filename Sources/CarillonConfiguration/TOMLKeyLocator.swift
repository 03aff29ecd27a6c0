/// Which line of a TOML text a key stands on: a scan of headers and keys, blind to values.
///
/// It is only asked about texts that parsed, so it need not judge them (toml.io, v1.0.0).
struct TOMLKeyLocator {
    enum Step: Hashable {
        case key(String)
        case index(Int)
    }

    private var lines: [[Step]: Int] = [:]

    init(_ text: String) {
        var scanner = LineScanner(text)
        scanner.scan()
        lines = scanner.lines
    }

    /// The line of the key, or of the nearest table around it.
    func line(of path: [Step]) -> Int? {
        var path = path
        while !path.isEmpty {
            if let line = lines[path] { return line }
            path.removeLast()
        }
        return nil
    }

    private struct LineScanner {
        var lines: [[Step]: Int] = [:]
        private let bytes: [UInt8]
        private var at = 0
        private var line = 1
        /// Where keys belong just now.
        private var table: [Step] = []
        /// How many elements an array of tables has so far.
        private var counts: [[Step]: Int] = [:]

        init(_ text: String) { bytes = Array(text.utf8) }

        mutating func scan() {
            while at < bytes.count {
                skipBlank()
                guard at < bytes.count else { return }
                switch bytes[at] {
                case UInt8(ascii: "#"): skipLine()
                case UInt8(ascii: "["): header()
                default: entry(in: table)
                }
            }
        }

        private mutating func header() {
            let start = line
            at += 1
            let isArray = at < bytes.count && bytes[at] == UInt8(ascii: "[")
            if isArray { at += 1 }
            var path: [Step] = []
            let keys = readKeys(until: UInt8(ascii: "]"))
            for (place, key) in keys.enumerated() {
                path.append(.key(key))
                let isLast = place == keys.count - 1
                if isLast, isArray {
                    let count = counts[path] ?? 0
                    counts[path] = count + 1
                    path.append(.index(count))
                } else if let count = counts[path] {
                    path.append(.index(count - 1))
                }
            }
            lines[path] = start
            table = path
            skipLine()
        }

        private mutating func entry(in table: [Step]) {
            let start = line
            var path = table
            for key in readKeys(until: UInt8(ascii: "=")) { path.append(.key(key)) }
            if lines[path] == nil { lines[path] = start }
            if at < bytes.count, bytes[at] == UInt8(ascii: "=") { at += 1 }
            value(path)
        }

        private mutating func value(_ path: [Step]) {
            skipSpace()
            guard at < bytes.count else { return }
            switch bytes[at] {
            case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = readQuoted()
            case UInt8(ascii: "["):
                at += 1
                var index = 0
                while true {
                    skipBlankAndComments()
                    guard at < bytes.count else { return }
                    if bytes[at] == UInt8(ascii: "]") { break }
                    if bytes[at] == UInt8(ascii: ",") {
                        at += 1
                        index += 1
                        continue
                    }
                    lines[path + [.index(index)]] = line
                    value(path + [.index(index)])
                }
                at += 1
            case UInt8(ascii: "{"):
                at += 1
                while true {
                    skipBlankAndComments()
                    guard at < bytes.count else { return }
                    if bytes[at] == UInt8(ascii: "}") { break }
                    if bytes[at] == UInt8(ascii: ",") {
                        at += 1
                        continue
                    }
                    entry(in: path)
                }
                at += 1
            default:
                let before = at
                while at < bytes.count, !",]}#\n".utf8.contains(bytes[at]) { at += 1 }
                // A text that parsed has a value here; whatever stands instead is stepped over.
                if at == before, bytes[at] != UInt8(ascii: "\n") { at += 1 }
            }
        }

        private mutating func readKeys(until end: UInt8) -> [String] {
            var keys: [String] = []
            while at < bytes.count, bytes[at] != UInt8(ascii: "\n") {
                skipSpace()
                guard at < bytes.count, bytes[at] != end else { break }
                if bytes[at] == UInt8(ascii: ".") {
                    at += 1
                } else if bytes[at] == UInt8(ascii: "\"") || bytes[at] == UInt8(ascii: "'") {
                    keys.append(readQuoted())
                } else {
                    let start = at
                    while at < bytes.count, !". \t\n=]".utf8.contains(bytes[at]) { at += 1 }
                    if at == start { at += 1 } else { keys.append(String(decoding: bytes[start..<at], as: UTF8.self)) }
                }
            }
            return keys
        }

        private mutating func readQuoted() -> String {
            let quote = bytes[at]
            let isLong = at + 2 < bytes.count && bytes[at + 1] == quote && bytes[at + 2] == quote
            at += isLong ? 3 : 1
            let start = at
            while at < bytes.count {
                if bytes[at] == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                    at += 2
                    continue
                }
                if bytes[at] == UInt8(ascii: "\n") { line += 1 }
                if bytes[at] == quote {
                    if !isLong { break }
                    if at + 2 < bytes.count, bytes[at + 1] == quote, bytes[at + 2] == quote { break }
                }
                at += 1
            }
            let text = String(decoding: bytes[min(start, bytes.count)..<min(at, bytes.count)], as: UTF8.self)
            at += isLong ? 3 : 1
            // A long text may end in quotes of its own.
            while isLong, at < bytes.count, bytes[at] == quote { at += 1 }
            return text
        }

        private mutating func skipSpace() {
            while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == 0x0d { at += 1 }
        }

        private mutating func skipBlank() {
            while true {
                skipSpace()
                guard at < bytes.count, bytes[at] == UInt8(ascii: "\n") else { return }
                line += 1
                at += 1
            }
        }

        private mutating func skipBlankAndComments() {
            while true {
                skipBlank()
                guard at < bytes.count, bytes[at] == UInt8(ascii: "#") else { return }
                skipLine()
            }
        }

        private mutating func skipLine() {
            while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
        }
    }
}

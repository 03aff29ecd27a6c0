import CarillonCore

/// Steps through the bytes of a text, and counts its lines, its values and how deep they lie.
struct DocumentScanner {
    let bytes: [UInt8]
    private let source: String
    var at = 0
    var line = 1
    private var depth = 0
    private var values = 0

    init(_ text: String, source: String) {
        bytes = Array(text.utf8)
        self.source = source
    }

    var isAtEnd: Bool { at >= bytes.count }

    /// The byte at hand; nil at the end.
    var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    func byte(after count: Int) -> UInt8? { at + count < bytes.count ? bytes[at + count] : nil }

    func has(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard at + count <= bytes.count else { return false }
        return text.withUTF8Buffer { buffer in (0..<count).allSatisfy { bytes[at + $0] == buffer[$0] } }
    }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard self.byte == byte else { return false }
        at += 1
        return true
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    func problem(_ message: String, key: String? = nil, line: Int? = nil) -> ConfigProblem {
        ConfigProblem(source: source, line: line ?? self.line, key: key, message: message)
    }

    /// What stands here, as a message names it.
    var found: String {
        guard let byte else { return "the end of the file" }
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { return "the end of the line" }
        if byte < 0x20 || byte == 0x7f { return "a control character" }
        var end = at + 1
        while end < bytes.count, bytes[end] & 0xc0 == 0x80 { end += 1 }
        return "'\(text(at..<end))'"
    }

    /// Counts another value that was read.
    mutating func count() throws(ConfigProblem) {
        values += 1
        if values > Bounds.values { throw problem("holds more than \(Bounds.values) values") }
    }

    /// Goes one level deeper with what comes next, until `leave`.
    mutating func enter() throws(ConfigProblem) {
        depth += 1
        if depth > Bounds.depth { throw problem("nests deeper than \(Bounds.depth) levels") }
    }

    mutating func leave() { depth -= 1 }

    /// Reads the number that so many hexadecimal digits make.
    mutating func hexadecimal(_ count: Int) throws(ConfigProblem) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<count {
            guard let byte, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw problem("expected \(count) hexadecimal digits, found \(found)")
            }
            number = number << 4 | UInt32(digit)
            at += 1
        }
        return number
    }
}

extension [UInt8] {
    mutating func append(_ scalar: Unicode.Scalar) { append(contentsOf: UTF8.encode(scalar) ?? .init()) }
}

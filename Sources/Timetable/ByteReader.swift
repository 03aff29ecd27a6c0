/// Reads big-endian numbers from bytes and never past their end.
struct ByteReader {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    func require(_ count: Int) throws(TZif.Malformed) {
        guard count <= bytes.count - position else { throw TZif.Malformed(reason: "it is cut short") }
    }

    mutating func skip(_ count: Int) throws(TZif.Malformed) {
        try require(count)
        position += count
    }

    mutating func take(_ count: Int) throws(TZif.Malformed) -> ArraySlice<UInt8> {
        try require(count)
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    mutating func byte() throws(TZif.Malformed) -> UInt8 {
        try require(1)
        defer { position += 1 }
        return bytes[position]
    }

    /// Reads a signed number of `count` bytes, 1 to 8.
    mutating func integer(bytes count: Int) throws(TZif.Malformed) -> Int {
        var value: UInt64 = 0
        for byte in try take(count) { value = value << 8 | UInt64(byte) }
        let unused = UInt64(64 - 8 * count)
        return Int(Int64(bitPattern: value << unused) >> Int64(unused))
    }

    /// Reads the bytes up to the next newline, which is consumed; nil when there is none.
    mutating func line() -> ArraySlice<UInt8>? {
        guard let end = bytes[position...].firstIndex(of: 0x0A) else { return nil }
        defer { position = end + 1 }
        return bytes[position..<end]
    }
}

import NIOCore

/// Decimal digits without a `String`.
enum Decimal {
    /// Bytes of `Int.min`.
    static let longest = 20

    /// Writes from the start of `digits`, which has room for `longest` bytes; answers how many it wrote.
    static func write(_ number: Int, to digits: UnsafeMutableRawBufferPointer) -> Int {
        var rest = number.magnitude
        var start = longest
        repeat {
            start -= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        } while rest > 0
        if number < 0 {
            start -= 1
            digits[start] = UInt8(ascii: "-")
        }
        // To the front; the ranges may overlap, and going forward never overwrites what is still to be moved.
        for index in start..<longest { digits[index - start] = digits[index] }
        return longest - start
    }
}

extension ByteBuffer {
    /// Writes `$5\r\nhello\r\n`, with room asked for once.
    mutating func writeBulk(_ bytes: UnsafeRawBufferPointer) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count + Decimal.longest + 5) { room in
            var end = Self.header("$", bytes.count, to: room)
            if bytes.count > 0 {
                UnsafeMutableRawBufferPointer(rebasing: room[end...]).copyMemory(from: bytes)
                end += bytes.count
            }
            room[end] = UInt8(ascii: "\r")
            room[end + 1] = UInt8(ascii: "\n")
            return end + 2
        }
    }

    /// Writes `*3\r\n`.
    mutating func writeHeader(_ kind: Unicode.Scalar, _ count: Int) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: Decimal.longest + 3) { Self.header(kind, count, to: $0) }
    }

    private static func header(
        _ kind: Unicode.Scalar, _ count: Int, to room: UnsafeMutableRawBufferPointer
    ) -> Int {
        room[0] = UInt8(ascii: kind)
        let end = 1 + Decimal.write(count, to: UnsafeMutableRawBufferPointer(rebasing: room[1...]))
        room[end] = UInt8(ascii: "\r")
        room[end + 1] = UInt8(ascii: "\n")
        return end + 2
    }
}

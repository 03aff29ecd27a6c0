import Glibc
import NIOCore

/// Reading at absolute positions, which the parser has checked.
extension ByteBuffer {
    /// Finds the position after the next LF at or after `position`.
    func endOfLine(from position: Int) -> Int? {
        withUnsafeReadableBytes { bytes in
            let start = position - readerIndex
            guard start < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start)
            else { return nil }
            return readerIndex + (UnsafeRawPointer(found) - base) + 1
        }
    }

    func byte(_ position: Int) -> UInt8 { getInteger(at: position) ?? 0 }

    /// Slices the same memory.
    func slice(_ position: Int, _ length: Int) -> ByteBuffer { getSlice(at: position, length: length) ?? ByteBuffer() }

    func string(_ start: Int, _ end: Int) -> String { getString(at: start, length: end - start) ?? "" }

    /// Reads digits with or without a sign; nil for anything else, and for more than 64 bits.
    func decimal(from start: Int, to end: Int) -> Int64? {
        withUnsafeReadableBytes { bytes in
            var index = start - readerIndex
            let last = end - readerIndex
            guard index < last, last <= bytes.count else { return nil }
            let isNegative = bytes[index] == UInt8(ascii: "-")
            if isNegative || bytes[index] == UInt8(ascii: "+") { index += 1 }
            guard index < last, last - index <= 19 else { return nil }
            // Nineteen digits fit into 64 bits without a sign.
            var magnitude: UInt64 = 0
            while index < last {
                let digit = bytes[index] &- UInt8(ascii: "0")
                guard digit <= 9 else { return nil }
                magnitude = magnitude &* 10 &+ UInt64(digit)
                index += 1
            }
            if isNegative {
                return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
            }
            return Int64(exactly: magnitude)
        }
    }
}

import CarillonCore

/// Writes plain values as a pickle of protocol 2, which every Python 3 reads (opcodes: Python's `pickletools`).
package struct PickleWriter {
    private var bytes: [UInt8] = []

    private init() {
        bytes.reserveCapacity(256)
        bytes += [0x80, 2]
    }

    /// Writes what RQ keeps of a call: `(function, instance or None, args, kwargs)`.
    package static func call(_ target: RQTarget) -> [UInt8] {
        var writer = PickleWriter()
        writer.mark()
        writer.write(target.function)
        writer.bytes.append(UInt8(ascii: "N"))
        writer.tuple(target.arguments)
        writer.write(target.keywords)
        writer.bytes.append(UInt8(ascii: "t"))
        writer.bytes.append(UInt8(ascii: "."))
        return writer.bytes
    }

    private mutating func mark() { bytes.append(UInt8(ascii: "(")) }

    private mutating func write(_ value: PlainValue) {
        switch value {
        case .null: bytes.append(UInt8(ascii: "N"))
        case .bool(let bool): bytes.append(bool ? 0x88 : 0x89)
        case .integer(let number): write(number)
        case .bigInteger(let digits): write(long: TwosComplement.bytes(decimal: digits))
        case .double(let number):
            bytes.append(UInt8(ascii: "G"))
            append(bigEndian: number.bitPattern)
        case .text(let text): write(text)
        case .list(let values):
            bytes.append(UInt8(ascii: "]"))
            if values.isEmpty { return }
            mark()
            for value in values { write(value) }
            bytes.append(UInt8(ascii: "e"))
        case .map(let entries): write(entries)
        }
    }

    private mutating func tuple(_ values: [PlainValue]) {
        mark()
        for value in values { write(value) }
        bytes.append(UInt8(ascii: "t"))
    }

    private mutating func write(_ entries: [PlainValue.Entry]) {
        bytes.append(UInt8(ascii: "}"))
        if entries.isEmpty { return }
        mark()
        for entry in entries {
            write(entry.key)
            write(entry.value)
        }
        bytes.append(UInt8(ascii: "u"))
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "X"))
        append(littleEndian: UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func write(_ number: Int64) {
        if let small = Int32(exactly: number) {
            bytes.append(UInt8(ascii: "J"))
            append(littleEndian: UInt32(bitPattern: small))
        } else {
            write(long: (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) })
        }
    }

    /// Writes a whole number of any size, least byte first.
    private mutating func write(long: [UInt8]) {
        if long.count < 256 {
            bytes += [0x8A, UInt8(long.count)]
        } else {
            bytes.append(0x8B)
            append(littleEndian: UInt32(long.count))
        }
        bytes += long
    }

    private mutating func append(littleEndian number: UInt32) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func append(bigEndian number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

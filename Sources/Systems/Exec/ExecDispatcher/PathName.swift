import Timetable

/// Turns any name into one that is safe as a file's.
enum PathName {
    // File names have at most 255 bytes; the hash takes 17.
    private static let longest = 200

    /// Keeps letters, digits, `-`, `_` and dots inside; everything else becomes `%` and two hexadecimal digits.
    ///
    /// A result of more than 200 bytes is cut there and ends in `~` and a hash of the name. Distinct names give distinct
    /// results, cut ones but for clashes of 64 bits.
    static func escape(_ name: String) -> String {
        var text: [UInt8] = []
        for (index, byte) in name.utf8.enumerated() {
            if isPlain(byte, first: index == 0) {
                text.append(byte)
            } else {
                text += [UInt8(ascii: "%"), hex(byte >> 4), hex(byte & 15)]
            }
        }
        if text.isEmpty { return "%" }
        if text.count <= longest { return String(decoding: text, as: UTF8.self) }
        let hash = String(StableHash.hash(name.utf8, seed: 0), radix: 16)
        return String(decoding: text.prefix(longest), as: UTF8.self) + "~" + hash
    }

    private static func isPlain(_ byte: UInt8, first: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        case UInt8(ascii: "."): !first
        default: false
        }
    }

    private static func hex(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
    }
}

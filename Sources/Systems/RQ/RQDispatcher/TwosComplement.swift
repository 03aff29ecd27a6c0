/// Whole numbers of any size as bytes.
enum TwosComplement {
    /// Writes a decimal with an optional minus in two's complement, the shortest, least byte first. Only digits count.
    static func bytes(decimal: String) -> [UInt8] {
        var magnitude: [UInt8] = []
        for digit in decimal.utf8 where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) {
            var carry = Int(digit - UInt8(ascii: "0"))
            for index in magnitude.indices {
                carry += Int(magnitude[index]) * 10
                magnitude[index] = UInt8(carry & 0xFF)
                carry >>= 8
            }
            if carry > 0 { magnitude.append(UInt8(carry)) }
        }
        // Room for the sign.
        magnitude.append(0)
        if decimal.hasPrefix("-") { negate(&magnitude) }
        return shortest(magnitude)
    }

    private static func negate(_ bytes: inout [UInt8]) {
        var carry = 1
        for index in bytes.indices {
            carry += Int(~bytes[index])
            bytes[index] = UInt8(carry & 0xFF)
            carry >>= 8
        }
    }

    /// Leaves out leading bytes that only repeat the sign.
    private static func shortest(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        while let last = bytes.last, let before = bytes.dropLast().last,
            (last == 0 && before < 0x80) || (last == 0xFF && before >= 0x80)
        {
            bytes.removeLast()
        }
        return bytes
    }
}

#if Mail
    /// A text as it goes over the line: as it is when every server takes it so, quoted-printable (RFC 2045, 6.7) otherwise.
    struct MailBody {
        let encoding: String
        /// Lines of at most 998 octets, each with CRLF at its end.
        let bytes: [UInt8]

        init(_ text: String) {
            // Octets, since CR and LF are one character.
            let lines = Self.lines(Array(text.utf8))
            let isPlain = lines.allSatisfy { line in
                line.count <= 998 && line.allSatisfy { 0x20...0x7e ~= $0 || $0 == 0x09 }
            }
            encoding = isPlain ? "7bit" : "quoted-printable"
            bytes = lines.flatMap { (isPlain ? Array($0) : Self.quoted($0)) + [0x0d, 0x0a] }
        }

        private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
            var lines: [ArraySlice<UInt8>] = []
            var start = 0
            var index = 0
            while index < bytes.count {
                guard bytes[index] == 0x0d || bytes[index] == 0x0a else {
                    index += 1
                    continue
                }
                lines.append(bytes[start..<index])
                let isPair = bytes[index] == 0x0d && index + 1 < bytes.count && bytes[index + 1] == 0x0a
                index += isPair ? 2 : 1
                start = index
            }
            if start < bytes.count { lines.append(bytes[start...]) }
            return lines
        }

        /// Quotes one line, with soft breaks so that none has more than 76 octets.
        private static func quoted(_ line: ArraySlice<UInt8>) -> [UInt8] {
            let digits = Array("0123456789ABCDEF".utf8)
            var result: [UInt8] = []
            var width = 0
            for (index, byte) in zip(line.indices, line) {
                let isBlank = byte == 0x20 || byte == 0x09
                let isLast = index == line.endIndex - 1
                let isPlain = isBlank ? !isLast : 0x21...0x7e ~= byte && byte != UInt8(ascii: "=")
                let piece = isPlain ? [byte] : [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
                if width + piece.count > 75 {
                    result += [UInt8(ascii: "="), 0x0d, 0x0a]
                    width = 0
                }
                result += piece
                width += piece.count
            }
            return result
        }
    }
#endif

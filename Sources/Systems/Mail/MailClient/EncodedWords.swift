#if Mail
    /// Text beyond ASCII in a header (RFC 2047).
    enum EncodedWords {
        /// Octets of one word: with `=?UTF-8?B?`, `?=` and a header's name it keeps a line below 76.
        private static let most = 39

        /// Writes text as a header takes it: on one line as it is, or as encoded words on as many as it needs.
        static func header(_ text: String) -> String {
            let line = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isControl ? " " : $0 }))
            // A line has at most 998 octets; what looks like an encoded word would be read as one.
            let isPlain = line.utf8.count <= 200 && line.utf8.allSatisfy { 0x20...0x7e ~= $0 } && !line.contains("=?")
            return isPlain ? line : encode(line)
        }

        /// Encodes; no character is divided between two words (RFC 2047, 5).
        static func encode(_ text: String) -> String {
            var words: [[UInt8]] = [[]]
            for scalar in text.unicodeScalars {
                let bytes = Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                if words[words.count - 1].count + bytes.count > most { words.append([]) }
                words[words.count - 1] += bytes
            }
            return words.map { "=?UTF-8?B?" + Base64.encode($0) + "?=" }.joined(separator: "\r\n ")
        }
    }

    /// RFC 4648, 4.
    enum Base64 {
        private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

        static func encode(_ bytes: [UInt8]) -> String {
            var text: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let some = bytes[start..<min(start + 3, bytes.count)]
                var bits = some.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - some.count))
                var four: [UInt8] = []
                for _ in 0..<4 {
                    four.insert(digits[bits & 63], at: 0)
                    bits >>= 6
                }
                for place in (some.count + 1)..<4 { four[place] = UInt8(ascii: "=") }
                text += four
            }
            return String(decoding: text, as: UTF8.self)
        }
    }
#endif

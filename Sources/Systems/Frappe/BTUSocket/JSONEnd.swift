import Listening

/// The end of one JSON object: nothing else marks it.
struct JSONEnd: RequestEnd {
    static var isMetByClosing: Bool { false }

    private var depth = 0
    private var isText = false
    private var isEscaped = false
    private(set) var isBroken = false

    /// Whether the object ends within these bytes. Anything but an object is broken at its first byte.
    mutating func ends(in bytes: some Sequence<UInt8>) -> Bool {
        for byte in bytes {
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth <= 0 { return true }
            case UInt8(ascii: "\"") where depth > 0: isText = true
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): continue
            default:
                if depth == 0 {
                    isBroken = true
                    return true
                }
            }
        }
        return false
    }
}

import CarillonCore

/// The call as RQ's JSON serializer has it: an array of function, instance, arguments and keywords.
package struct JSONCall {
    private var text = ""

    package static func call(_ target: RQTarget) -> [UInt8] {
        var writer = JSONCall()
        writer.write(
            .list([.text(target.function), .null, .list(target.arguments), .map(target.keywords)]))
        return Array(writer.text.utf8)
    }

    private mutating func write(_ value: PlainValue) {
        switch value {
        case .null: text += "null"
        case .bool(let bool): text += bool ? "true" : "false"
        case .integer(let number): text += String(number)
        case .bigInteger(let digits): text += digits
        // Swift's shortest text of a finite number is JSON as well, with a point or an exponent: Python reads a float.
        case .double(let number): text += "\(number)"
        case .text(let string): write(string)
        case .list(let values): write(values, "[", "]") { $0.write($1) }
        case .map(let entries):
            write(entries, "{", "}") {
                $0.write($1.key)
                $0.text += ":"
                $0.write($1.value)
            }
        }
    }

    private mutating func write<T>(_ all: [T], _ open: String, _ close: String, _ one: (inout JSONCall, T) -> Void) {
        text += open
        for (index, element) in all.enumerated() {
            if index > 0 { text += "," }
            one(&self, element)
        }
        text += close
    }

    /// Writes a string as RFC 8259, section 7, has it.
    private mutating func write(_ string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case let control where control.value < 0x20:
                let hex = String(control.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

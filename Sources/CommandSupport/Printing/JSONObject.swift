import CarillonCore
import Foundation
package import Timetable

/// One object on one line, its keys in the order given; an absent value is null.
package struct JSONObject {
    package indirect enum Value {
        case text(String?)
        case number(Int64?)
        case decimal(Double?)
        case bool(Bool)
        case time(Timestamp?)
        case list([Value])
        case object(JSONObject)
    }

    private let entries: [(String, Value)]

    package init(_ entries: [(String, Value)]) { self.entries = entries }

    package var text: String {
        "{" + entries.map { "\(Self.quote($0.0)):\(Self.write($0.1))" }.joined(separator: ",") + "}"
    }

    private static func write(_ value: Value) -> String {
        switch value {
        case .text(let text): text.map(quote) ?? "null"
        case .number(let number): number.map(String.init) ?? "null"
        case .decimal(let number): number.map { $0.isFinite ? "\($0)" : "null" } ?? "null"
        case .bool(let bool): bool ? "true" : "false"
        case .time(let time): time.map { quote($0.rfc3339) } ?? "null"
        case .list(let values): "[" + values.map(write).joined(separator: ",") + "]"
        case .object(let object): object.text
        }
    }

    /// RFC 8259, section 7.
    package static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.isUnfitForLine:
                for unit in String(scalar).utf16 { quoted += String(format: "\\u%04x", unit) }
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

/// A value of a configuration file with the line it stands on, whatever the file's format.
public struct ConfigNode: Sendable {
    public indirect enum Value: Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        /// Past 64 bits, as its digits.
        case bigInteger(String)
        case double(Double)
        case string(String)
        case array([ConfigNode])
        /// Keys in the file's order.
        case table([(key: String, value: ConfigNode)])
    }

    public var value: Value
    /// Counts from 1; nil for what comes from no file.
    public var line: Int?

    public init(_ value: Value, line: Int? = nil) {
        self.value = value
        self.line = line
    }

    /// What a person calls such a value.
    public var kind: String {
        switch value {
        case .null: "nothing"
        case .bool: "true or false"
        case .integer: "a whole number"
        case .bigInteger: "a whole number past 64 bits"
        case .double: "a number"
        case .string: "text"
        case .array: "a list"
        case .table: "a table"
        }
    }

    public subscript(key: String) -> ConfigNode? {
        guard case .table(let entries) = value else { return nil }
        return entries.first { $0.key == key }?.value
    }
}

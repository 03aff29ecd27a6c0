/// A value of a configuration file with the line it stands on, whatever the file's format.
public struct ConfigNode: Sendable {
    public enum Value: Sendable {
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
    /// What the file has for a number or a boolean; nil for other values, and for what comes from no file.
    public var written: String?
    // A file holds millions of nodes, and no line needs more.
    private var number: Int32

    public init(_ value: Value, line: Int? = nil, written: String? = nil) {
        self.value = value
        self.written = written
        number = Int32(clamping: line ?? 0)
    }

    /// Counts from 1; nil for what comes from no file.
    public var line: Int? {
        get { number == 0 ? nil : Int(number) }
        set { number = Int32(clamping: newValue ?? 0) }
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

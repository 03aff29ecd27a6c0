/// Why the text of a schedule, a time zone or a calendar was not accepted.
public struct ScheduleError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Names the offending field and item and says what is allowed.
    public var message: String
    /// `second`, `minute`, `hour`, `day`, `month`, `weekday` or `year`, when one field is at fault.
    public var field: String?
    /// The byte offset of the offending item in the text, from 0.
    public var column: Int?

    /// Makes an error with a message for the operator; the column counts bytes from 0.
    public init(_ message: String, field: String? = nil, column: Int? = nil) {
        self.message = message
        self.field = field
        self.column = column
    }

    public var description: String { message }

    /// Writes three lines for a terminal: the text, a caret under the offending item, the message.
    ///
    /// Bytes which are not printable ASCII show as `?`, so the caret stands in the right place.
    public func pointing(at text: String) -> String {
        guard let column, column >= 0 else { return text.isEmpty ? message : Self.printable(text) + "\n" + message }
        let line = Self.printable(text)
        let indent = String(repeating: " ", count: min(column, line.utf8.count))
        return line + "\n" + indent + "^\n" + message
    }

    static func printable(_ text: String) -> String {
        String(
            decoding: text.utf8.map { byte in (0x20...0x7E).contains(byte) ? byte : byte == 0x09 ? 0x20 : 0x3F },
            as: UTF8.self)
    }

    /// Quotes a piece of the text for a message: printable, and cut when it is long.
    static func quoted(_ bytes: some Collection<UInt8>) -> String {
        let text = printable(String(decoding: bytes.prefix(24), as: UTF8.self))
        return "'" + text + (bytes.count > 24 ? "…'" : "'")
    }
}

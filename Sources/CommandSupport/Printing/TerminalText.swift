import CarillonCore
package import Foundation

/// Makes a program's words fit for a terminal as they come: a character may be cut between two pieces.
package final class TerminalText {
    private var rest: [UInt8] = []

    package init() {}

    /// What can be shown by now; with the last piece, all of it.
    package func take(_ piece: Data, isLast: Bool) -> Data {
        rest += piece
        // A character has four bytes at the most, and none of them looks like a newline.
        let whole = isLast ? rest.count : Self.whole(rest)
        let text = String(decoding: rest[..<whole], as: UTF8.self)
        rest.removeFirst(whole)
        return Data(text.severalLines.utf8)
    }

    /// How many bytes stand before a character that is not complete.
    private static func whole(_ bytes: [UInt8]) -> Int {
        let end = bytes.suffix(4)
        guard let lead = end.lastIndex(where: { $0 & 0xC0 != 0x80 }) else { return bytes.count }
        let length = bytes[lead] >= 0xF0 ? 4 : bytes[lead] >= 0xE0 ? 3 : bytes[lead] >= 0xC0 ? 2 : 1
        return lead + length > bytes.count ? lead : bytes.count
    }
}

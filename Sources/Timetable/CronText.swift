/// The text of a schedule, checked and cut into words (R1).
struct CronText {
    /// In upper case, so that names match; as long as the text, so that offsets are offsets in it.
    let bytes: [UInt8]
    /// As it was written.
    let original: [UInt8]
    /// Where the text stands between blanks and newlines at its ends.
    let range: Range<Int>

    static let longest = 1024

    init(_ text: String) throws(ScheduleError) {
        let raw = Array(text.utf8)
        guard raw.count <= Self.longest else {
            throw ScheduleError("the expression has \(raw.count) bytes; at most \(Self.longest) are allowed")
        }
        func isEdge(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
        let start = raw.firstIndex { !isEdge($0) } ?? raw.count
        let end = (raw.lastIndex { !isEdge($0) } ?? start - 1) + 1
        for index in start..<end where raw[index] != 0x09 && !(0x20...0x7E).contains(raw[index]) {
            let isNewline = raw[index] == 0x0A || raw[index] == 0x0D
            throw ScheduleError(
                isNewline
                    ? "there is a newline inside the expression; it must be one line"
                    : "there is a character that is not printable ASCII in the expression", column: index)
        }
        guard start < end else {
            throw ScheduleError("the expression is empty; write five fields: minute hour day month weekday", column: 0)
        }
        original = raw
        bytes = raw.map { (0x61...0x7A).contains($0) ? $0 & 0xDF : $0 }
        range = start..<end
    }

    /// The words between runs of blanks.
    var words: [Range<Int>] {
        var words: [Range<Int>] = []
        var start = range.lowerBound
        for index in range.lowerBound...range.upperBound {
            guard index == range.upperBound || bytes[index] == 0x20 || bytes[index] == 0x09 else { continue }
            if start < index { words.append(start..<index) }
            start = index + 1
        }
        return words
    }
}

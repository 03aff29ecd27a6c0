extension String {
    /// The text as one line that a terminal and a log may be given: whatever would move the cursor, change colours, ring,
    /// forge a line or turn the direction of writing is written out (`\n`, `\u{1b}`); everything else stays.
    public var oneLine: String {
        guard unicodeScalars.contains(where: \.isUnfitForLine) else { return self }
        var line = ""
        for scalar in unicodeScalars {
            switch scalar {
            case _ where !scalar.isUnfitForLine: line.unicodeScalars.append(scalar)
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            default: line += "\\u{" + String(scalar.value, radix: 16) + "}"
            }
        }
        return line
    }
}

extension String {
    /// The same of a text of several lines: their ends and tabs stay.
    public var severalLines: String {
        guard unicodeScalars.contains(where: { $0.isUnfitForLine && $0 != "\n" && $0 != "\t" }) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            let stays = !scalar.isUnfitForLine || scalar == "\n" || scalar == "\t"
            if stays { text.unicodeScalars.append(scalar) } else { text += String(scalar).oneLine }
        }
        return text
    }
}

extension Unicode.Scalar {
    /// Control characters (C0, DEL, C1), separators of lines and paragraphs, marks and overrides of direction (UAX #9), and
    /// what has no width and so hides.
    public var isUnfitForLine: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0: true
        case 0x61C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
        case 0xE0000...0xE007F: true
        default: false
        }
    }
}

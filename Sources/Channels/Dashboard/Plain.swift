/// What programs write, without what only a terminal understands.
package enum Plain {
    /// Drops escape sequences (ECMA-48, 5.4) and what else no page can show.
    package static func text(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 && $0 != 0x0A && $0 != 0x09 || $0 == 0x7F }) else { return text }
        var result = String.UnicodeScalarView()
        var scalars = text.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            switch scalar.value {
            case 0x1B:
                // CSI: up to its final byte; anything else is one more.
                guard scalars.next() == "[" else { continue }
                while let next = scalars.next(), !(0x40...0x7E).contains(next.value) {}
            case 0x09, 0x0A: result.append(scalar)
            case ..<0x20, 0x7F: break
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}

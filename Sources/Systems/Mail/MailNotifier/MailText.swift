/// Small pieces of a mail's text.
enum MailText {
    /// Writes `1 run`, `10,000 runs`.
    static func counted(_ count: Int, _ noun: String) -> String { "\(number(count)) \(noun)\(count == 1 ? "" : "s")" }

    /// Writes `10,000`.
    static func number(_ number: Int) -> String {
        var digits = String(number)
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: place))
            place -= 3
        }
        return digits
    }

    /// Puts a text on one line, with nothing that moves the cursor of a terminal in which it is read.
    static func plain(_ text: Substring) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    scalar.properties.generalCategory == .control || scalar.value == 0x2028 || scalar.value == 0x2029
                        ? " " : scalar
                }))
    }
}

extension Timestamp {
    /// Reads a date and time with an offset or `Z`, strictly as RFC 3339 has it.
    ///
    /// The fraction may have any number of digits and is cut to microseconds. A leap second stands for the second after
    /// it. Nil for anything else, local times without an offset among them.
    public init?(rfc3339 text: some StringProtocol) {
        var scanner = TextScanner(text.utf8)
        guard let local = scanner.dateTime(separators: [0x54, 0x74], secondsOptional: false),
            let offset = scanner.zoneOffset(), scanner.isAtEnd
        else { return nil }
        let instant = local.seconds - offset
        if local.isLeapSecond, Civil.floorModulo(instant, Civil.secondsPerDay) != 0 { return nil }
        self = Timestamp(seconds: Int64(instant)).adding(microseconds: Int64(local.microsecond))
    }

    /// The instant in UTC as RFC 3339 writes it, with six digits of fraction only when there is one.
    ///
    /// Years outside 0 to 9999 carry a sign and cannot be read back.
    public var rfc3339: String { rfc3339(fraction == 0 ? "" : "." + Digits.padded(fraction, 6)) }

    /// The same, always with six digits of fraction: such texts sort as their times do.
    public var rfc3339Microseconds: String {
        let seconds = Int(self.seconds)
        let days = Civil.floorDivide(seconds, Civil.secondsPerDay)
        let time = seconds - days * Civil.secondsPerDay
        let (year, month, day) = Civil.date(days: days)
        guard (0...9_999).contains(year) else { return rfc3339("." + Digits.padded(fraction, 6)) }
        // Lists have some hundreds of these.
        return String(unsafeUninitializedCapacity: 27) { bytes in
            var place = 0
            func put(_ number: Int, _ digits: Int, _ mark: Unicode.Scalar) {
                var rest = number
                for digit in stride(from: place + digits - 1, through: place, by: -1) {
                    bytes[digit] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                bytes[place + digits] = UInt8(ascii: mark)
                place += digits + 1
            }
            put(year, 4, "-")
            put(month, 2, "-")
            put(day, 2, "T")
            put(time / 3_600, 2, ":")
            put(time / 60 % 60, 2, ":")
            put(time % 60, 2, ".")
            put(Int(fraction), 6, "Z")
            return place
        }
    }

    private func rfc3339(_ fraction: String) -> String {
        let seconds = Int(self.seconds)
        let days = Civil.floorDivide(seconds, Civil.secondsPerDay)
        let time = seconds - days * Civil.secondsPerDay
        let (year, month, day) = Civil.date(days: days)
        return Digits.date(year, month, day) + "T" + Digits.time(time) + fraction + "Z"
    }
}

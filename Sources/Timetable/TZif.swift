/// Reads compiled zone files, RFC 9636, versions 1 to 4.
///
/// Errors are sentences about the file, without its name. Files that count leap seconds are refused.
enum TZif {
    static let magic: [UInt8] = [0x54, 0x5A, 0x69, 0x66]

    struct Malformed: Error {
        var reason: String
    }

    private struct Header {
        var version: UInt8
        var utIndicators, standardIndicators, leaps, times, types, characters: Int
    }

    static func table(_ bytes: [UInt8]) throws(Malformed) -> ZoneTable {
        var reader = ByteReader(bytes: bytes)
        var header = try readHeader(&reader)
        guard header.version > 0 else { return try readData(&reader, header, wide: false) }
        // The 32-bit block is there for old readers only.
        try reader.skip(
            header.times * 5 + header.types * 6 + header.characters + header.leaps * 8 + header.standardIndicators
                + header.utIndicators)
        header = try readHeader(&reader)
        var table = try readData(&reader, header, wide: true)
        guard try reader.byte() == 0x0A, let footer = reader.line() else {
            throw Malformed(reason: "its footer is cut")
        }
        if !footer.isEmpty {
            guard let rule = PosixRule(footer) else { throw Malformed(reason: "its footer is not a TZ rule") }
            table.extend(by: rule)
        }
        return table
    }

    private static func readHeader(_ reader: inout ByteReader) throws(Malformed) -> Header {
        for expected in magic where try reader.byte() != expected {
            throw Malformed(reason: "it does not begin with TZif")
        }
        let version = try reader.byte()
        try reader.skip(15)
        var counts: [Int] = []
        for _ in 0..<6 { counts.append(try reader.integer(bytes: 4) & 0xFFFF_FFFF) }
        guard counts[2] == 0 else { throw Malformed(reason: "it counts leap seconds, which no schedule does") }
        guard counts[4] > 0 else { throw Malformed(reason: "it has no local time") }
        return Header(
            version: version, utIndicators: counts[0], standardIndicators: counts[1], leaps: counts[2],
            times: counts[3], types: counts[4], characters: counts[5])
    }

    private static func readData(
        _ reader: inout ByteReader, _ header: Header, wide: Bool
    ) throws(Malformed) -> ZoneTable {
        let timeSize = wide ? 8 : 4
        let size = header.times * (timeSize + 1) + header.types * 6 + header.characters
        try reader.require(size + header.standardIndicators + header.utIndicators)
        var times: [Int] = []
        for _ in 0..<header.times { times.append(try reader.integer(bytes: timeSize)) }
        var indices: [Int] = []
        for _ in 0..<header.times { indices.append(Int(try reader.byte())) }
        var raw: [(offset: Int, isDaylight: Bool, name: Int)] = []
        for _ in 0..<header.types {
            raw.append((try reader.integer(bytes: 4), try reader.byte() != 0, Int(try reader.byte())))
        }
        let names = try reader.take(header.characters)
        try reader.skip(header.standardIndicators + header.utIndicators)

        var types: [ZoneType] = []
        for type in raw {
            guard abs(type.offset) < 26 * 3600 else { throw Malformed(reason: "it has an offset beyond 26 hours") }
            guard type.name < names.count else { throw Malformed(reason: "it lacks an abbreviation") }
            let name = names.dropFirst(type.name).prefix { $0 != 0 }
            types.append(
                ZoneType(
                    offset: type.offset, isDaylight: type.isDaylight,
                    abbreviation: String(decoding: name, as: UTF8.self)))
        }
        return try join(times: times, indices: indices, types: types)
    }

    private static func join(times: [Int], indices: [Int], types: [ZoneType]) throws(Malformed) -> ZoneTable {
        // Far outside the calendar's use; some writers mark the beginning of time with such a change.
        let limit = 1 << 40
        var table = ZoneTable(types: types, initial: 0, changes: [])
        var last = Int.min
        for (time, index) in zip(times, indices) {
            guard index < types.count else { throw Malformed(reason: "a change leads to no local time") }
            guard time > last || last == .min else { throw Malformed(reason: "its changes are out of order") }
            last = time
            if time < -limit {
                table.initial = index
            } else if time <= limit {
                table.changes.append(ZoneTable.Change(at: time, type: index))
            }
        }
        return table
    }
}

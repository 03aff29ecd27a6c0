import Foundation

/// What a run wrote, as much of it as a log for people takes: its beginning and its end.
enum RunOutput {
    /// Bytes and lines of each part.
    private static let beginning = (bytes: 192 << 10, lines: 2_000)
    private static let end = (bytes: 64 << 10, lines: 500)

    /// Reads an output's lines; where something is left out, a line says so, and where all of it is.
    static func lines(of path: String, run: String) -> [String] {
        guard let file = FileHandle(forReadingAtPath: path) else { return [] }
        defer { try? file.close() }
        let size = (try? file.seekToEnd()) ?? 0
        let note = "[ \(size) bytes of output, the middle is left out here: carillon runs logs \(run) ]"
        guard size > UInt64(beginning.bytes + end.bytes) else {
            let lines = split(read(file, from: 0, Int(size)))
            if lines.count <= beginning.lines + end.lines { return lines }
            return lines.prefix(beginning.lines) + [note] + lines.suffix(end.lines)
        }
        // Whole lines, unless there is only one.
        let head = read(file, from: 0, beginning.bytes)
        let first = split(head[..<(head.lastIndex(of: 10) ?? head.endIndex)])
        let tail = read(file, from: size - UInt64(end.bytes), end.bytes)
        let last = split(tail[(tail.firstIndex(of: 10) ?? tail.startIndex)...])
        return first.prefix(beginning.lines) + [note] + last.suffix(end.lines)
    }

    private static func read(_ file: FileHandle, from offset: UInt64, _ count: Int) -> Data {
        guard (try? file.seek(toOffset: offset)) != nil else { return Data() }
        return (try? file.read(upToCount: count)) ?? Data()
    }

    private static func split(_ bytes: Data) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    }
}

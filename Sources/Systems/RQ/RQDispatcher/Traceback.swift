import CZlib
import FoundationEssentials

/// A failure's text as workers keep it: base64 of zlib in the result stream, plain zlib in a job of an old worker.
enum Traceback {
    /// Bytes kept of one; its end says most.
    static let longest = 16 << 10
    /// A text that inflates to more is cut off there.
    private static let mostInflated = 1 << 20

    static func decode(base64 text: String?) -> String? {
        guard let text, let data = Data(base64Encoded: text) else { return nil }
        return decode(zlib: Array(data))
    }

    static func decode(zlib bytes: [UInt8]?) -> String? {
        guard let bytes, !bytes.isEmpty else { return nil }
        let text = String(decoding: inflate(bytes) ?? bytes, as: UTF8.self)
        return text.utf8.count <= longest ? text : "…" + String(decoding: text.utf8.suffix(longest), as: UTF8.self)
    }

    /// Finds the line that names the exception.
    static func headline(_ text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).filter { $0.contains { !$0.isWhitespace } }
        // The exception begins at the margin; its text may go on below.
        let last = lines.last { !($0.first?.isWhitespace ?? true) } ?? lines.last
        return last.map { String($0.prefix(1_000)) } ?? "no reason given"
    }

    private static func inflate(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        guard inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: mostInflated)
        let result = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                return CZlib.inflate(&stream, Z_FINISH)
            }
        }
        let count = mostInflated - Int(stream.avail_out)
        // Out of room is no fault of the data.
        guard result == Z_STREAM_END || count == mostInflated else { return nil }
        return Array(output.prefix(count))
    }
}

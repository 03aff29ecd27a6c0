import CZlib

/// Compresses what is sent to whoever can read it so (RFC 1952, RFC 9110, 8.4.1.3).
package enum Gzip {
    /// Bytes below which it gains nothing.
    static let least = 1_024

    /// Answers it compressed; nil where the library cannot.
    package static func compress(_ bytes: [UInt8], level: Int32 = 5) -> [UInt8]? {
        var stream = z_stream()
        let isReady = deflateInit2_(
            &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
        )
        guard isReady == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        let room = Int(deflateBound(&stream, UInt(bytes.count)))
        var isWhole = false
        let output = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            input.withUnsafeMutableBufferPointer { source in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(buffer.count)
                isWhole = deflate(&stream, Z_FINISH) == Z_STREAM_END
            }
            count = room - Int(stream.avail_out)
        }
        return isWhole ? output : nil
    }

    /// Whether a client takes it, as its `Accept-Encoding` says.
    static func isAccepted(_ header: String?) -> Bool {
        header?.split(separator: ",").contains { entry in
            let words = entry.split(separator: ";").map { $0.trimming { $0 == " " } }
            guard words.first == "gzip" || words.first == "*" else { return false }
            return !words.dropFirst().contains { $0 == "q=0" || $0 == "q=0.0" || $0 == "q=0.00" || $0 == "q=0.000" }
        } ?? false
    }

    /// Whether a body of this type becomes smaller.
    static func pays(_ type: String) -> Bool {
        type.hasPrefix("text/") && type != "text/event-stream" || type.hasPrefix("application/json")
            || type.hasPrefix("image/svg")
    }
}

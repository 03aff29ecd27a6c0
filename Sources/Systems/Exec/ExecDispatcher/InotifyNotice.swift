import Glibc

/// One record of inotify(7).
struct InotifyNotice: Hashable {
    var mask: UInt32
    /// The file's name; empty for what concerns the directory or the queue.
    var name: String

    // Watch descriptor, mask, cookie and the name's length, 32 bits each.
    private static let headerSize = 16

    static func all(in bytes: ArraySlice<UInt8>) -> [InotifyNotice] {
        var found: [InotifyNotice] = []
        bytes.withUnsafeBytes { raw in
            var at = 0
            while at + headerSize <= raw.count {
                let mask = raw.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
                let length = Int(raw.loadUnaligned(fromByteOffset: at + 12, as: UInt32.self))
                let name = raw[min(at + headerSize, raw.count)..<min(at + headerSize + length, raw.count)]
                found.append(InotifyNotice(mask: mask, name: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)))
                at += headerSize + length
            }
        }
        return found
    }
}

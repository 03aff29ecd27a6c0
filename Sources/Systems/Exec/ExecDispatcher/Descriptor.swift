import Glibc

/// A file descriptor with one owner; closed with it.
struct Descriptor: ~Copyable, Sendable {
    let number: Int32

    init(owning number: Int32) { self.number = number }

    /// Which file it is, whatever its name: device and number. A copy is another one.
    var identity: String {
        var facts = stat()
        return fstat(number, &facts) == 0 ? "\(facts.st_dev)-\(facts.st_ino)" : "-"
    }

    deinit { close(number) }

    /// Reads at most `limit` bytes from an offset on; none when they cannot be read.
    func bytes(from offset: Int64 = 0, limit: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            count = max(0, pread(number, buffer.baseAddress, limit, off_t(offset)))
        }
    }
}

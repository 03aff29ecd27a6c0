import Glibc

/// An errno and what was tried.
struct SystemError: Error, Hashable, CustomStringConvertible {
    var code: Int32
    var action: String

    init(_ action: String, code: Int32 = errno) {
        self.code = code
        self.action = action
    }

    var description: String { "cannot \(action): \(Self.text(code))" }

    /// Whether the machine may have room for it in a moment: processes, memory, descriptors, a program being replaced.
    static func isPassing(_ code: Int32) -> Bool { [EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY].contains(code) }

    static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        // The POSIX form of strerror_r(3), safe on any thread.
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return buffer.withUnsafeBufferPointer { bytes in
            String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }
}

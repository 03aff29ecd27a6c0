public import CarillonCore
import Glibc

/// Files of text, read whole: what they are and how large is asked before anything is read.
public enum TextFile {
    /// Reads a regular file of at most `limit` bytes, without a byte order mark. Throws a `ConfigProblem`.
    public static func read(_ path: String, limit: Int = Bounds.bytes) throws(ConfigProblem) -> String {
        let bytes = try bytes(of: path, limit: limit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigProblem(
                source: path, line: lineOfFault(bytes), message: "is not UTF-8 text")
        }
        return try checked(text, path: path)
    }

    /// Gives text as its readers want it: without a byte order mark. Throws for a NUL, at which others would stop.
    public static func checked(_ text: String, path: String) throws(ConfigProblem) -> String {
        if let zero = text.utf8.firstIndex(of: 0) {
            let line = text.utf8[..<zero].count { $0 == 0x0a } + 1
            throw ConfigProblem(
                source: path, line: line, message: "holds a NUL byte, which no text does; is it damaged?")
        }
        return text.unicodeScalars.first == "\u{feff}" ? String(text.unicodeScalars.dropFirst()) : text
    }

    private static func bytes(of path: String, limit: Int) throws(ConfigProblem) -> [UInt8] {
        // A named pipe without O_NONBLOCK would hold its reader until somebody writes.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ConfigProblem(source: path, message: "cannot be read: \(why(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw ConfigProblem(source: path, message: "cannot be read: \(why(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ConfigProblem(source: path, message: "is \(kind(status.st_mode)), not a file")
        }
        guard status.st_size <= limit else { throw tooLarge(path, limit) }
        var failure: Int32 = 0
        // One byte more, to see that it has not grown since.
        let capacity = Int(status.st_size) + 1
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            while count < capacity {
                let got = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), capacity - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                count += got
            }
        }
        guard failure == 0 else { throw ConfigProblem(source: path, message: "cannot be read: \(why(failure))") }
        guard bytes.count <= limit else { throw tooLarge(path, limit) }
        return bytes
    }

    private static func tooLarge(_ path: String, _ limit: Int) -> ConfigProblem {
        let size = limit % (1 << 20) == 0 ? "\(limit >> 20) MiB" : "\(limit) bytes"
        return ConfigProblem(source: path, message: "is larger than \(size)")
    }

    private static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a named pipe"
        case S_IFCHR, S_IFBLK: "a device"
        case S_IFSOCK: "a socket"
        default: "something else"
        }
    }

    private static func why(_ code: Int32) -> String {
        switch code {
        case ENOENT: "no such file"
        case EACCES: "permission denied"
        case ELOOP: "its links lead in a circle"
        case ENXIO: "it is a socket or a device, not a file"
        default: String(cString: strerror(code))
        }
    }

    /// Finds the line of the first byte that is no UTF-8.
    private static func lineOfFault(_ bytes: [UInt8]) -> Int {
        var decoder = UTF8()
        var rest = bytes.makeIterator()
        var line = 1
        while case .scalarValue(let scalar) = decoder.decode(&rest) { if scalar == "\n" { line += 1 } }
        return line
    }
}

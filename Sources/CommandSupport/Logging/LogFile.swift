import Foundation

/// Where log lines end up; whoever writes may have to wait.
package struct LogFile: Sendable {
    private let path: String?
    private let largest: Int64
    private let keep: Int64
    private var descriptor: Int32
    private var size: Int64 = 0
    /// A line was cut off by an error.
    private var isCut = false

    package init(descriptor: Int32) {
        self.descriptor = descriptor
        path = nil
        largest = .max
        keep = 0
    }

    /// Nil, with errno, when it cannot be opened.
    package init?(path: String, largest: Int64, keep: Int64) {
        self.path = path
        self.largest = largest
        self.keep = keep
        guard let opened = Self.open(path) else { return nil }
        (descriptor, size) = opened
    }

    /// Goes on in the file that the path names by now: the one it had may have been moved away.
    package mutating func reopen() {
        guard let path, let opened = Self.open(path) else { return }
        close(descriptor)
        (descriptor, size) = opened
    }

    /// Somebody moved or removed the file: logrotate, for one.
    private var isMoved: Bool {
        guard let path else { return false }
        var (named, ours) = (stat(), stat())
        guard fstat(descriptor, &ours) == 0 else { return false }
        return stat(path, &named) != 0 || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev
    }

    /// Answers how many of the lines could not be written.
    package mutating func append(_ lines: [String]) -> Int {
        if isMoved { reopen() }
        var bytes: [UInt8] = []
        var count = 0
        var left = 0
        for line in lines {
            let length = Int64(line.utf8.count + 1)
            if path != nil, size + Int64(bytes.count) + length > largest, size + Int64(bytes.count) > 0 {
                if !write(bytes) { left += count }
                (bytes, count) = ([], 0)
                rotate()
            }
            bytes += line.utf8
            bytes.append(UInt8(ascii: "\n"))
            count += 1
        }
        return write(bytes) ? left : left + count
    }

    private mutating func write(_ bytes: [UInt8]) -> Bool {
        var rest = isCut ? [UInt8(ascii: "\n")] + bytes : bytes
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, rest, rest.count)
            if count >= 0 {
                size += Int64(count)
                isCut = count < rest.count && rest[max(0, count - 1)] != UInt8(ascii: "\n")
                rest.removeFirst(count)
            } else if errno == EAGAIN {
                // Somebody else made the other end of standard error non-blocking.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&ready, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        isCut = false
        return true
    }

    private mutating func rotate() {
        guard let path else { return }
        if keep == 0 {
            unlink(path)
        } else {
            for number in stride(from: keep - 1, through: 1, by: -1) {
                rename("\(path).\(number)", "\(path).\(number + 1)")
            }
            rename(path, "\(path).1")
        }
        reopen()
    }

    private static func open(_ path: String) -> (descriptor: Int32, size: Int64)? {
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return nil }
        var info = stat()
        fstat(descriptor, &info)
        return (descriptor, Int64(info.st_size))
    }
}

import Foundation
import Synchronization

/// Takes whole lines: standard error, or a file that is rotated by size.
final class LogSink: Sendable {
    private struct State {
        var descriptor: Int32
        var size: Int64
    }

    private let path: String?
    private let largest: Int64
    private let keep: Int64
    private let state: Mutex<State>

    /// Standard error.
    init() {
        path = nil
        largest = .max
        keep = 0
        state = Mutex(State(descriptor: STDERR_FILENO, size: 0))
    }

    /// A file, rotated to `path.1` … `path.keep` when it grows past `largest` bytes.
    init(path: String, largest: Int64, keep: Int64) throws(Failure) {
        self.path = path
        self.largest = largest
        self.keep = keep
        guard let opened = Self.open(path) else {
            throw Failure.input("log.file: cannot open \(path): \(String(cString: strerror(errno)))")
        }
        state = Mutex(opened)
    }

    func write(_ line: String) {
        state.withLock { state in
            var bytes = Array(line.utf8)
            bytes.append(UInt8(ascii: "\n"))
            if let path, state.size + Int64(bytes.count) > largest, state.size > 0 { rotate(path, &state) }
            state.size += Int64(Foundation.write(state.descriptor, bytes, bytes.count))
        }
    }

    private func rotate(_ path: String, _ state: inout State) {
        if keep == 0 {
            unlink(path)
        } else {
            for number in stride(from: keep - 1, through: 1, by: -1) {
                rename("\(path).\(number)", "\(path).\(number + 1)")
            }
            rename(path, "\(path).1")
        }
        guard let opened = Self.open(path) else { return }
        close(state.descriptor)
        state = opened
    }

    private static func open(_ path: String) -> State? {
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return nil }
        var info = stat()
        fstat(descriptor, &info)
        return State(descriptor: descriptor, size: Int64(info.st_size))
    }
}

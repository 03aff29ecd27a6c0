import BlockingConnection
package import CarillonDaemon
import CarillonEngine
import Foundation
package import Logging
import Synchronization

/// Takes whole lines and writes them on a thread of its own: to standard error, or to a file that is rotated by size.
///
/// Whoever logs never waits for whoever reads the log: what finds no room is left out and counted.
package final class LogSink: Sendable {
    /// Bytes of lines that may wait.
    private static let room = 1 << 20

    private struct Queue {
        var lines: [String] = []
        var bytes = 0
        /// Once a line found no room, the next ones do not either until all that wait are written.
        var isFull = false
        var isWriting = false
        var lost = 0
        var reopens = false
        var tell: (@Sendable (Int) -> Void)?
        var drop: (@Sendable (Int) -> Void)?
    }

    /// For commands, which end soon and have nobody to keep waiting.
    package static let direct = LogSink(LogFile(descriptor: STDERR_FILENO))

    private let isDirect: Bool
    /// Whoever writes has it.
    private let file: Mutex<LogFile>
    private let queue = Mutex(Queue())
    private let threshold = Mutex(Logger.Level.info)
    private let work = DispatchSemaphore(value: 0)

    /// Writes to standard error or output. Throws `Failure`.
    package convenience init(descriptor: Int32) throws(Failure) {
        try self.init(queueing: LogFile(descriptor: descriptor))
    }

    /// A file, rotated to `path.1` … `path.keep` when it grows past `largest` bytes. Throws `Failure`.
    package convenience init(path: String, largest: Int64, keep: Int64) throws(Failure) {
        guard let file = LogFile(path: path, largest: largest, keep: keep) else {
            throw Failure.input("log.file: cannot open \(path): \(String(cString: strerror(errno)))")
        }
        try self.init(queueing: file)
    }

    private init(_ file: LogFile) {
        self.file = Mutex(file)
        isDirect = true
    }

    private init(queueing file: LogFile) throws(Failure) {
        self.file = Mutex(file)
        isDirect = false
        do {
            try BlockingThread.start(name: "log") { [self] in
                while true {
                    work.wait()
                    writeAll()
                }
            }
        } catch {
            throw Failure.failed("\(error)")
        }
    }

    /// What is not worth less than this is written; it may change while the log is in use.
    package var level: Logger.Level {
        get { threshold.withLock { $0 } }
        set { threshold.withLock { $0 = newValue } }
    }

    /// Who says, when the log flows again, how many lines were left out.
    package func whenLost(_ tell: @escaping @Sendable (Int) -> Void) { queue.withLock { $0.tell = tell } }

    /// Who counts the bytes that are left out, at once; must not wait.
    package func whenDropped(_ count: @escaping @Sendable (Int) -> Void) { queue.withLock { $0.drop = count } }

    /// Never waits, unless it is direct.
    package func write(_ line: String) {
        if isDirect { return file.withLock { _ = $0.append([line]) } }
        queue.withLock { queue in
            let size = line.utf8.count + 1
            queue.isFull = queue.isFull || (queue.bytes + size > Self.room && !queue.lines.isEmpty)
            if queue.isFull {
                queue.lost += 1
                queue.drop?(size)
            } else {
                queue.bytes += size
                queue.lines.append(line)
            }
        }
        work.signal()
    }

    /// Goes on in the file that the path names by now. Never waits.
    package func reopen() {
        queue.withLock { $0.reopens = true }
        work.signal()
    }

    /// Everything that was taken is written.
    package var isIdle: Bool { queue.withLock { $0.lines.isEmpty && !$0.isWriting } }

    private func writeAll() {
        let (lines, reopens) = queue.withLock { queue in
            defer { (queue.lines, queue.bytes, queue.reopens) = ([], 0, false) }
            queue.isWriting = !queue.lines.isEmpty
            return (queue.lines, queue.reopens)
        }
        if reopens { file.withLock { $0.reopen() } }
        if lines.isEmpty { return }
        let left = file.withLock { $0.append(lines) }
        if let tell = written(butFor: left, ofSize: lines.suffix(left).reduce(0) { $0 + $1.utf8.count + 1 }) { tell() }
    }

    /// What is to be said now that lines were written.
    private func written(butFor left: Int, ofSize size: Int) -> (() -> Void)? {
        queue.withLock { queue in
            queue.isWriting = false
            if left > 0 { queue.drop?(size) }
            queue.lost += left
            if queue.lines.isEmpty { queue.isFull = false }
            // As long as nothing can be written there is no use in saying so.
            guard left == 0, !queue.isFull, queue.lost > 0, let tell = queue.tell else { return nil }
            let lost = queue.lost
            queue.lost = 0
            return { tell(lost) }
        }
    }

    /// Gives the last lines a second to be read.
    package func flush() async {
        let clock = SystemClock()
        let deadline = clock.uptime + 1_000_000
        while !isIdle, clock.uptime < deadline { try? await clock.sleep(for: 2_000) }
    }
}

import BlockingConnection
import CarillonCore
import Glibc
import Synchronization

/// Hears from the kernel when a shim touches its status file, which is a start, or lets go of it, which is an end.
final class Watcher: Sendable {
    private let notices: Descriptor
    private let watch: Int32
    private let reporter: Reporter
    private let ended = Mutex(false)

    /// Watches the attempts' files; throws `SystemError` when inotify(7) has no room.
    init(_ reporter: Reporter) throws(SystemError) {
        let number = inotify_init1(Int32(IN_CLOEXEC))
        guard number >= 0 else { throw SystemError("watch \(reporter.directory.path)") }
        notices = Descriptor(owning: number)
        watch = inotify_add_watch(number, reporter.directory.path, UInt32(IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR))
        guard watch >= 0 else { throw SystemError("watch \(reporter.directory.path)") }
        self.reporter = reporter
    }

    /// False once it listens no more: after `stop`, or because the directory was removed.
    var listens: Bool { ended.withLock { !$0 } }

    /// Listens on a thread of its own; the reporter's events end with it.
    func start() throws(BlockingThread.Unavailable) {
        try BlockingThread.start(name: "exec-watch") { [self] in
            listen()
            ended.withLock { $0 = true }
            reporter.finish()
        }
    }

    /// Removes the watch, which the kernel answers with a last notice; that ends the thread.
    func stop() { inotify_rm_watch(notices.number, watch) }

    private func listen() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        var sources = [notices.number, reporter.secondLooks.timer.number].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while true {
            guard poll(&sources, 2, -1) > 0 || errno == EINTR else { return }
            if sources[1].revents != 0 {
                reporter.tell(reporter.secondLooks.due().flatMap { reporter.end(of: $0, isSecondLook: true) })
            }
            guard sources[0].revents != 0 else { continue }
            let count = read(notices.number, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0, take(buffer[..<count]) else { return }
        }
    }

    /// Tells what notices say; false after the last one.
    private func take(_ bytes: ArraySlice<UInt8>) -> Bool {
        var news: [DispatchEvent] = []
        var goesOn = true
        for notice in InotifyNotice.all(in: bytes) {
            if notice.mask & UInt32(IN_IGNORED) != 0 { goesOn = false }
            if notice.mask & UInt32(IN_Q_OVERFLOW) != 0 { news += reporter.lookAgain() }
            guard let attempt = AttemptID(notice.name) else { continue }
            news += notice.mask & UInt32(IN_ATTRIB) != 0 ? reporter.start(of: attempt) : reporter.end(of: attempt)
        }
        reporter.tell(news)
        return goesOn
    }
}

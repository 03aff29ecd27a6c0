import CarillonCore
import Foundation
import Synchronization

/// Tells that something changed in some folders, with inotify(7) on a thread of its own.
enum DirectoryWatch {
    private static let interest = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
    )
    /// Changes that come within this many milliseconds are one: a package manager writes many files.
    private static let settle: Int32 = 100
    /// Folders that are not there yet, nor what holds them, are looked for this often, in milliseconds.
    private static let absent: Int32 = 500

    /// `concerns` says of a file's name whether its changes matter: others may be written in the same folders all the time.
    static func changes(
        in folders: [String], concerns: @escaping @Sendable (String) -> Bool
    ) -> AsyncStream<FeedChange> {
        let (stream, continuation) = AsyncStream<FeedChange>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let inotify = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        var ends: [Int32] = [-1, -1]
        guard inotify >= 0, pipe(&ends) == 0 else {
            if inotify >= 0 { close(inotify) }
            continuation.finish()
            return stream
        }
        let (stop, ask) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // The thread sees the end of the pipe and goes.
        continuation.onTermination = { _ in close(ask) }
        let thread = Thread {
            watch(Array(Set(folders)), inotify, stop, concerns) { continuation.yield(.everything) }
            close(inotify)
            close(stop)
        }
        thread.name = "carillon-watch"
        thread.start()
        return stream
    }

    private static func watch(
        _ folders: [String], _ inotify: Int32, _ stop: Int32, _ concerns: (String) -> Bool, tell: () -> Void
    ) {
        var watched: [String: Int32] = [:]
        var unsettled = false
        while true {
            for folder in folders where watched[folder] == nil {
                let number = inotify_add_watch(inotify, folder, interest)
                guard number >= 0 else { continue }
                watched[folder] = number
                // What was written before the watch stood is looked at as well.
                unsettled = true
            }
            var descriptors = [
                pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&descriptors, 2, unsettled ? settle : watched.isEmpty ? absent : -1)
            if descriptors[1].revents != 0 { return }
            if unsettled {
                // What has come by now is looked at together; what comes later is another change.
                if ready > 0 { usleep(UInt32(settle) * 1_000) }
                let news = drain(inotify, concerns)
                watched = watched.filter { !news.gone.contains($0.value) }
                unsettled = false
                tell()
            } else if ready > 0 {
                let news = drain(inotify, concerns)
                watched = watched.filter { !news.gone.contains($0.value) }
                unsettled = news.concerning || !news.gone.isEmpty
            }
        }
    }

    /// Reads all events: whether any concerns us, and the watches that ended because their folder went away.
    private static func drain(_ inotify: Int32, _ concerns: (String) -> Bool) -> (concerning: Bool, gone: Set<Int32>) {
        var concerning = false
        var gone: Set<Int32> = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(inotify, &buffer, buffer.count)
            if count <= 0 { return (concerning, gone) }
            var offset = 0
            while offset + MemoryLayout<inotify_event>.size <= count {
                let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
                let start = offset + MemoryLayout<inotify_event>.size
                offset = start + Int(event.len)
                if event.mask & UInt32(IN_IGNORED) != 0 || event.mask & UInt32(IN_MOVE_SELF) != 0 {
                    gone.insert(event.wd)
                }
                let name = String(decoding: buffer[start..<min(offset, count)].prefix { $0 != 0 }, as: UTF8.self)
                // An overflow of the queue has no name, and may have been anything.
                if name.isEmpty || event.mask & UInt32(IN_ISDIR) != 0 || concerns(name) { concerning = true }
            }
        }
    }
}

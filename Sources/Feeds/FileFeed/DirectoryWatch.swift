import Foundation
import Synchronization

/// Tells that something changed in some folders, with inotify(7) on a thread of its own.
enum DirectoryWatch {
    private static let interest = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF)
    /// Changes that come within this many milliseconds are one: a package manager writes many files.
    private static let settle: Int32 = 100
    /// Folders that are not there yet, nor what holds them, are looked for this often, in milliseconds.
    private static let absent: Int32 = 500

    static func changes(in folders: [String]) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let inotify = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        var ends: [Int32] = [-1, -1]
        guard inotify >= 0, pipe(&ends) == 0 else {
            continuation.finish()
            return stream
        }
        let (stop, ask) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // The thread sees the end of the pipe and goes.
        continuation.onTermination = { _ in close(ask) }
        let thread = Thread {
            watch(Array(Set(folders)), inotify: inotify, stop: stop) { continuation.yield() }
            close(inotify)
            close(stop)
        }
        thread.name = "carillon-watch"
        thread.start()
        return stream
    }

    private static func watch(_ folders: [String], inotify: Int32, stop: Int32, tell: () -> Void) {
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
            let wait = unsettled ? settle : watched.isEmpty ? absent : -1
            let ready = poll(&descriptors, 2, wait)
            if descriptors[1].revents != 0 { return }
            if ready == 0, unsettled {
                unsettled = false
                tell()
            }
            guard ready > 0, descriptors[0].revents != 0 else { continue }
            unsettled = true
            for gone in drain(inotify) { watched = watched.filter { $0.value != gone } }
        }
    }

    /// Reads all events; answers the watches that ended because their folder went away.
    private static func drain(_ inotify: Int32) -> [Int32] {
        var gone: [Int32] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(inotify, &buffer, buffer.count)
            if count <= 0 { return gone }
            var offset = 0
            while offset + MemoryLayout<inotify_event>.size <= count {
                let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
                if event.mask & UInt32(IN_IGNORED) != 0 || event.mask & UInt32(IN_MOVE_SELF) != 0 {
                    gone.append(event.wd)
                }
                offset += MemoryLayout<inotify_event>.size + Int(event.len)
            }
        }
    }
}

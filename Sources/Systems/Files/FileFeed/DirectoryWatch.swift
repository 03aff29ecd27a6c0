import CarillonCore
import Foundation
import Synchronization

/// Tells that something changed in a folder or with some files, with inotify(7) on a thread of its own.
///
/// What the paths mean is watched, not what they once pointed at: each folder on the way, also behind links.
final class DirectoryWatch {
    /// Of what lies in the folder, and of the files.
    private static let interest = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
    )
    /// Changes that come within this many milliseconds are one: a package manager writes many files.
    private static let settle: Int32 = 100
    /// Where a folder cannot be watched, all is looked at this often, in milliseconds.
    private static let blind: Int32 = 5_000

    private let files: () -> [String]
    private let folder: String
    private let isOfFolder: (String) -> Bool
    private let inotify: Int32
    private let stop: Int32

    /// What is watched, by inotify's number.
    private var watched: [Int32: Watched] = [:]
    private var isBlind = false

    private struct Watched {
        var path: String
        /// Names in it that matter.
        var names: Set<String>
        var isFolder: Bool
    }

    /// Watches: `files` names the files that matter now wherever they lie, `isOfFolder` says which names do in the
    /// folder: others may be written there all the time.
    static func changes(
        of files: @escaping @Sendable () -> [String], folder: String, isOfFolder: @escaping @Sendable (String) -> Bool
    ) -> (changes: AsyncStream<FeedChange>, bell: Bell) {
        let (stream, continuation) = AsyncStream<FeedChange>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let inotify = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        var ends: [Int32] = [-1, -1]
        guard inotify >= 0, pipe(&ends) == 0 else {
            if inotify >= 0 { close(inotify) }
            continuation.finish()
            return (stream, Bell(-1))
        }
        let stop = ends[0]
        let bell = Bell(ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        // The thread sees the end of the pipe and goes.
        continuation.onTermination = { _ in bell.close() }
        let thread = Thread {
            DirectoryWatch(files, folder, isOfFolder, inotify, stop).watch { continuation.yield(.everything) }
            close(inotify)
            close(stop)
        }
        thread.name = "carillon-watch"
        thread.start()
        return (stream, bell)
    }

    /// Tells the watch that other files matter now than before.
    final class Bell: Sendable {
        private let pipe: Mutex<Int32>

        fileprivate init(_ pipe: Int32) { self.pipe = Mutex(pipe) }

        func ring() {
            pipe.withLock { pipe in
                if pipe >= 0 { _ = write(pipe, [1], 1) }
            }
        }

        fileprivate func close() {
            pipe.withLock { pipe in
                if pipe >= 0 { _ = Glibc.close(pipe) }
                pipe = -1
            }
        }
    }

    private init(
        _ files: @escaping () -> [String], _ folder: String, _ isOfFolder: @escaping (String) -> Bool, _ inotify: Int32,
        _ stop: Int32
    ) {
        self.files = files
        self.folder = folder
        self.isOfFolder = isOfFolder
        self.inotify = inotify
        self.stop = stop
    }

    private func watch(tell: () -> Void) {
        // What was written before the watch stood is looked at as well.
        var unsettled = true
        renew()
        while true {
            var descriptors = [
                pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&descriptors, 2, unsettled ? Self.settle : isBlind ? Self.blind : -1)
            if descriptors[1].revents != 0 {
                var bytes = [UInt8](repeating: 0, count: 64)
                guard read(stop, &bytes, bytes.count) > 0 else { return }
                unsettled = renew() || unsettled
            } else if unsettled {
                // What has come by now is looked at together; what comes later is another change.
                if ready > 0 { usleep(UInt32(Self.settle) * 1_000) }
                _ = drain()
                // A folder that came to be may hold something already, and is looked at after it is watched.
                unsettled = renew()
                tell()
            } else if ready > 0 {
                unsettled = drain()
            } else if isBlind {
                unsettled = true
            }
        }
    }

    /// Watches what the paths mean now; true when that is something else than before.
    @discardableResult private func renew() -> Bool {
        var wanted: [String: Watched] = [:]
        func want(_ path: String, _ names: Set<String>, isFolder: Bool = false) {
            var entry = wanted[path] ?? Watched(path: path, names: [], isFolder: false)
            entry.names.formUnion(names)
            entry.isFolder = entry.isFolder || isFolder
            wanted[path] = entry
        }
        for file in files() {
            for (path, names) in PathWay.folders(to: file).names { want(path, names) }
        }
        let way = PathWay.folders(to: folder)
        for (path, names) in way.names { want(path, names) }
        want(way.end, [], isFolder: true)
        var now: [Int32: Watched] = [:]
        isBlind = false
        for (path, entry) in wanted {
            let number = inotify_add_watch(inotify, path, Self.interest | UInt32(IN_ONLYDIR))
            if number >= 0 {
                var entry = entry
                // Two paths of one folder have one number.
                if let other = now[number] {
                    entry.names.formUnion(other.names)
                    entry.isFolder = entry.isFolder || other.isFolder
                }
                now[number] = entry
            } else if entry.isFolder && errno != ENOENT || [ENOSPC, ENOMEM].contains(errno) {
                isBlind = true
            }
        }
        let isNew = Set(now.keys) != Set(watched.keys)
        for number in watched.keys where now[number] == nil { inotify_rm_watch(inotify, number) }
        watched = now
        return isNew
    }

    /// Reads all events; whether any concerns us.
    private func drain() -> Bool {
        var isOurs = false
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(inotify, &buffer, buffer.count)
            if count <= 0 { return isOurs }
            var offset = 0
            while offset + MemoryLayout<inotify_event>.size <= count {
                let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
                let start = offset + MemoryLayout<inotify_event>.size
                offset = start + Int(event.len)
                let name = String(decoding: buffer[start..<min(offset, count)].prefix { $0 != 0 }, as: UTF8.self)
                if concerns(event, name) { isOurs = true }
            }
        }
    }

    private func concerns(_ event: inotify_event, _ name: String) -> Bool {
        // An overflow of the queue may have been anything.
        if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
        // Others tell of watches that were given up.
        guard let folder = watched[event.wd] else { return false }
        if event.mask & UInt32(IN_IGNORED) != 0 { watched[event.wd] = nil }
        if name.isEmpty { return folder.isFolder || event.mask & UInt32(IN_ATTRIB) == 0 }
        return folder.names.contains(name) || folder.isFolder && isOfFolder(name)
    }
}

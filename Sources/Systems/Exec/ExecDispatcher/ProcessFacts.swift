import Glibc

/// What `/proc` tells of a process that lives (proc(5)).
struct ProcessFacts {
    var pid: pid_t
    var parent: pid_t
    var session: pid_t
    /// Clock ticks since boot at which it started.
    var ticks: UInt64

    /// Reads fields 4, 6 and 22 of `/proc/PID/stat`; nil for a process that is dead.
    init?(_ process: pid_t) {
        let number = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = Descriptor(owning: number)
        // The second field, the program's name, may hold anything; field 3 follows its last parenthesis.
        let bytes = file.bytes(limit: 1024)
        guard let parenthesis = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(parenthesis + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, !fields[0].elementsEqual("Z".utf8), !fields[0].elementsEqual("X".utf8),
            let parent = pid_t(String(decoding: fields[1], as: UTF8.self)),
            let session = pid_t(String(decoding: fields[3], as: UTF8.self)),
            let ticks = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        (pid, self.parent, self.session, self.ticks) = (process, parent, session, ticks)
    }

    /// Reads the environment its program was started with, as far as we may.
    func variables() -> Set<[UInt8]> {
        let number = open("/proc/\(pid)/environ", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return [] }
        let file = Descriptor(owning: number)
        var bytes: [UInt8] = []
        // As much as execve(2) takes.
        while bytes.count < 6 << 20 {
            let more = file.bytes(from: Int64(bytes.count), limit: 65536)
            if more.isEmpty { break }
            bytes += more
        }
        return Set(bytes.split(separator: 0).map(Array.init))
    }

    static func all() -> [ProcessFacts] {
        guard let entries = opendir("/proc") else { return [] }
        defer { closedir(entries) }
        var found: [ProcessFacts] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let process = pid_t(name), let facts = ProcessFacts(process) { found.append(facts) }
        }
        return found
    }
}

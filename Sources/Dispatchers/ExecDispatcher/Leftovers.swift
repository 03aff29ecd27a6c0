import CarillonCore
import Glibc

/// What a program leaves running when its shim was killed.
enum Leftovers {
    /// Kills the attempt's process group, so that a retry never runs beside it; false when nothing was left.
    ///
    /// A group is known by its number, its session, which is the shim's number, and a member that started no earlier than
    /// the program did; and only in the boot that started it.
    static func kill(_ status: AttemptStatus) -> Bool {
        guard let claim = status.claim, let start = status.start, claim.bootID == BootID.current else { return false }
        let belongs = { (process: pid_t) in
            guard let facts = facts(process) else { return false }
            return facts.group == start.pid && facts.session == claim.shim && facts.ticks >= start.ticks
        }
        guard belongs(start.pid) || processes().contains(where: belongs) else { return false }
        return Glibc.kill(-start.pid, SIGKILL) == 0
    }

    /// Fields 5, 6 and 22 of `/proc/PID/stat` (proc(5)); nil for a process that is dead.
    private static func facts(_ process: pid_t) -> (group: pid_t, session: pid_t, ticks: UInt64)? {
        let number = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = Descriptor(owning: number)
        // The second field, the program's name, may hold anything; field 3 follows its last parenthesis.
        let bytes = file.bytes(limit: 1024)
        guard let parenthesis = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(parenthesis + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, !fields[0].elementsEqual("Z".utf8),
            let group = pid_t(String(decoding: fields[2], as: UTF8.self)),
            let session = pid_t(String(decoding: fields[3], as: UTF8.self)),
            let ticks = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        return (group, session, ticks)
    }

    private static func processes() -> [pid_t] {
        guard let entries = opendir("/proc") else { return [] }
        defer { closedir(entries) }
        var found: [pid_t] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let process = pid_t(name) { found.append(process) }
        }
        return found
    }
}

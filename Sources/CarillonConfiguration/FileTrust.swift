public import CarillonCore
public import Foundation

/// Whether a file or folder that decides what runs may be believed: it is the daemon's user's or root's, and nobody else may
/// change it.
///
/// A group that is its owner's own (the group has the user's name, is the user's first one, and has nobody else in it) may:
/// that is how umask 002 leaves files on systems where each user has such a group.
public enum FileTrust {
    /// Answers a problem that names the command which mends it; nil for what may be believed, or is not there.
    public static func problem(at path: String) -> ConfigProblem? {
        var facts = stat()
        guard stat(path, &facts) == 0, let fault = fault(facts, path) else { return nil }
        return ConfigProblem(source: path, message: fault)
    }

    private static func fault(_ facts: stat, _ path: String) -> String? {
        let user = geteuid()
        let word = quoted(path)
        if facts.st_uid != user, facts.st_uid != 0 {
            let (theirs, ours) = (name(ofUser: facts.st_uid), name(ofUser: user))
            return "belongs to \(theirs), who would decide what runs as \(ours): chown \(ours) \(word)"
        }
        let mode = "mode 0" + String(facts.st_mode & 0o7777, radix: 8)
        if facts.st_mode & 0o002 != 0 { return "may be written by anybody (\(mode)): chmod go-w \(word)" }
        if facts.st_mode & 0o020 != 0, !isPrivate(facts.st_gid, to: facts.st_uid) {
            return "may be written by its group (\(mode)): chmod g-w \(word)"
        }
        return nil
    }

    /// Answers a user's name, or the number that has none.
    public static func name(ofUser id: uid_t) -> String { account(id)?.name ?? "\(id)" }

    /// Quotes a path as a word of a shell.
    public static func quoted(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "/._-+@%,:".utf8.contains(byte)
            }
        }
        return isPlain ? path : "'" + path.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }

    private static func account(_ id: uid_t) -> (name: String, group: gid_t)? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        guard getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return (String(cString: entry.pw_name), entry.pw_gid)
    }

    private static func isPrivate(_ group: gid_t, to owner: uid_t) -> Bool {
        guard let account = account(owner), account.group == group else { return false }
        var entry = Foundation.group()
        var found: UnsafeMutablePointer<Foundation.group>?
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        guard getgrgid_r(group, &entry, &buffer, buffer.count, &found) == 0, found != nil,
            String(cString: entry.gr_name) == account.name
        else { return false }
        var member = entry.gr_mem
        while let name = member?.pointee {
            if String(cString: name) != account.name { return false }
            member = member?.advanced(by: 1)
        }
        return true
    }
}

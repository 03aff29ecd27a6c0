import CarillonConfiguration
import CarillonDaemon
import CommandSupport
import Foundation

/// The folder a daemon keeps everything in: its own, with mode 0700, or 0750 for a group that may ask it.
enum StateDirectory {
    /// The longest path of a Unix socket, unix(7), without its NUL.
    private static let longestSocket = 107

    /// Makes it, or makes sure of it; answers what had to be changed. Throws `Failure`.
    static func prepare(_ path: String, group: gid_t?) throws(Failure) -> [String] {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure.failed("cannot make the state directory \(path): \(error.localizedDescription)")
        }
        let change = try own(path, group)
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            throw Failure.failed("the state directory \(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        guard (path + "/control.sock").utf8.count <= longestSocket else {
            throw Failure.input("the state directory's path is too long for a socket in it: \(path)")
        }
        return (change.map { [$0] } ?? []) + (group == nil ? [] : readable(in: path))
    }

    /// Says which files the members of a group can read that is let in: there may be secrets in them.
    private static func readable(in path: String) -> [String] {
        ["", "/jobs.d"].flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: path + folder)) ?? []).sorted().compactMap { name in
                let file = path + folder + "/" + name
                var facts = stat()
                guard stat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_mode & 0o044 != 0 else {
                    return nil
                }
                return "members of control.group can read \(file), and what secrets it holds: chmod 600 "
                    + FileTrust.quoted(file)
            }
        }
    }

    /// Finds a group by its name. Throws `Failure`.
    static func group(named name: String) throws(Failure) -> gid_t {
        var entry = Foundation.group()
        var found: UnsafeMutablePointer<Foundation.group>?
        var buffer = [CChar](repeating: 0, count: 1 << 20)
        guard getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw Failure.input("control.group: there is no group '\(name)'")
        }
        return entry.gr_gid
    }

    private static func own(_ path: String, _ group: gid_t?) throws(Failure) -> String? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        let user = geteuid()
        guard facts.st_uid == user else {
            let (theirs, ours) = (FileTrust.name(ofUser: facts.st_uid), FileTrust.name(ofUser: user))
            throw Failure.input(
                "the state directory \(path) belongs to \(theirs), who would decide what runs as \(ours): "
                    + "chown -R \(ours) \(FileTrust.quoted(path))")
        }
        try checkContents(path)
        let mode: mode_t = group == nil ? 0o700 : 0o750
        let isOpen = facts.st_mode & 0o777 & ~mode != 0
        // The mode comes first: whoever it is closed to must not get in between.
        if isOpen || facts.st_mode & 0o777 != mode || facts.st_gid != group ?? facts.st_gid {
            guard chmod(path, 0o700) == 0, group.map({ chown(path, uid_t.max, $0) == 0 }) ?? true,
                chmod(path, mode) == 0
            else {
                throw Failure.failed(
                    "the state directory \(path): \(String(cString: strerror(errno)))"
                        + (group == nil ? "" : "; control.group must be a group of the daemon's user"))
            }
        }
        guard isOpen else { return nil }
        return "the state directory was open to others (mode 0\(String(facts.st_mode & 0o7777, radix: 8))); "
            + "it has mode 0\(String(mode, radix: 8)) now"
    }

    /// Nothing in it may be somebody else's: a store, an attempt or a log that was put there would be believed.
    private static func checkContents(_ path: String) throws(Failure) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let ours = [geteuid(), 0]
        for name in names {
            var facts = stat()
            guard lstat(path + "/" + name, &facts) == 0, !ours.contains(facts.st_uid) else { continue }
            throw Failure.input(
                "\(path)/\(name) belongs to \(FileTrust.name(ofUser: facts.st_uid)), and what is in a state directory is "
                    + "believed: move it away, or chown -R \(FileTrust.name(ofUser: geteuid())) \(FileTrust.quoted(path))"
            )
        }
    }

    /// Reads which state directory this is among those that share a store: eight digits, drawn once. Throws `Failure`.
    static func identity(of path: String) throws(Failure) -> String {
        let file = path + "/identity"
        let isIdentity = { (text: String) in text.utf8.count == 8 && text.allSatisfy(\.isHexDigit) }
        if let text = try? String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines),
            isIdentity(text)
        {
            return text
        }
        let digits = String(UInt32.random(in: 0...UInt32.max), radix: 16)
        let text = String(repeating: "0", count: 8 - digits.count) + digits
        do {
            try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
            chmod(file, 0o600)
        } catch {
            throw Failure.failed("\(file) cannot be written: \(error.localizedDescription)")
        }
        return text
    }

    /// The machine's boot id, random(4); a fixed word where there is none.
    static var bootID: String {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown-boot"
    }
}
